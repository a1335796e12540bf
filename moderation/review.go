// Package moderation is the operators' side of the market: what waits for them,
// and their acts on parties and posts, each with a reason and in the audit trail.
// It judges; what a judgement does to a post is the post's own method.
package moderation

import (
	"context"

	"hezuo/market"
	"hezuo/store"
)

// Desk is where a market's operators (市场运营员) work.
type Desk struct{ board *market.Board }

// NewDesk gives the desk of a board.
func NewDesk(b *market.Board) *Desk { return &Desk{b} }

// Queue is what waits for a market's operators, oldest first.
type Queue struct {
	Parties []store.Item[market.Party]
	Jobs    []store.Item[market.Job]
}

// queueLength is how much of each kind a queue shows at once.
const queueLength = 100

// Queue gives what waits in a market.
func (d *Desk) Queue(ctx context.Context, by market.Caller, county string) (Queue, error) {
	parties, err := d.board.PartiesIn(ctx, by, county, market.Pending, "", queueLength)
	if err != nil {
		return Queue{}, err
	}
	jobs, err := d.board.JobsInReview(ctx, by, county, "", queueLength)
	return Queue{parties.Items, jobs.Items}, err
}

// DecideParty verifies a party, or refuses it, with a reason (电子商务法 art 27).
func (d *Desk) DecideParty(ctx context.Context, by market.Caller, cmd store.Command, id string, decision market.Decision) (store.Item[market.Party], error) {
	return d.board.DecideParty(ctx, by, cmd, id, decision)
}

// DecideJob puts a post under review on the market, or sends it back with the
// reason (人力资源市场暂行条例 art 26).
func (d *Desk) DecideJob(ctx context.Context, by market.Caller, cmd store.Command, id string, decision market.Decision) (store.Item[market.Job], error) {
	return d.board.DecideJob(ctx, by, cmd, id, decision)
}

// RemoveJob takes a post down, with the reason (意见三（八）).
func (d *Desk) RemoveJob(ctx context.Context, by market.Caller, cmd store.Command, id, reason string) (store.Item[market.Job], error) {
	return d.board.RemoveJob(ctx, by, cmd, id, reason)
}
