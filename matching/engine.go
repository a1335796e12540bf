package matching

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching/assign"
	"hezuo/store"
)

// Engine offers jobs to teams: it follows the posts and the handshakes of every
// market, and does its part idempotently, so that any number of engines may run.
type Engine struct {
	board      *market.Board
	handshakes *Handshakes
	db         store.DB
	node       string
	now        func() time.Time
	log        *slog.Logger
}

// NewEngine gives an engine for the handshakes.
func NewEngine(h *Handshakes, log *slog.Logger) *Engine {
	return &Engine{board: h.board, handshakes: h, db: h.c.DB(), node: h.node, now: h.now, log: log}
}

// Candidates gives the teams that could do a job now, best first, and why others
// cannot, counted. For the job's employer and those whose office it is.
func (e *Engine) Candidates(ctx context.Context, by market.Caller, job string) ([]Candidate, []Obstructed, error) {
	it, err := e.board.Job(ctx, by, job)
	if err != nil {
		return nil, nil, err
	}
	if !by.ActsFor(it.Doc.Employer) && !by.Reads(it.Doc.Market) {
		return nil, nil, fault.New(fault.Forbidden, "only the job's employer sees its candidates")
	}
	return e.candidates(ctx, it)
}

// candidates looks at every team of the job's trade that is on a market. It
// does not stop at the county's border (公平竞争审查条例 art 9): distance alone
// counts.
func (e *Engine) candidates(ctx context.Context, job store.Item[market.Job]) ([]Candidate, []Obstructed, error) {
	now := e.now()
	radius := job.Doc.Settings.RadiusKm
	if radius == 0 { // not opened yet
		radius = market.DefaultSettings().RadiusKm
	}
	asked, err := e.asked(ctx, job.ID)
	if err != nil {
		return nil, nil, err
	}
	var found []Candidate
	count := map[Obstacle]int{}
	owners := map[string]bool{} // whether the party may post
	r := store.Range{Index: "trade", Prefix: store.K(job.Doc.Post.Trade), Limit: 500}
	err = e.board.Teams.Each(ctx, r, func(t store.Item[market.Team]) error {
		if t.Doc.Owner == job.Doc.Employer {
			return nil
		}
		if asked[t.ID] {
			count[AskedBefore]++
			return nil
		}
		c, obstacle := judge(t.ID, &t.Doc, &job.Doc, radius, now)
		if obstacle == "" {
			ok, err := e.mayPost(ctx, owners, t.Doc.Owner, now)
			if err != nil {
				return err
			}
			if !ok {
				obstacle = NotVerified
			}
		}
		if obstacle != "" {
			count[obstacle]++
			return nil
		}
		found = append(found, c)
		return nil
	})
	slices.SortStableFunc(found, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(b.Score.Total, a.Score.Total), cmp.Compare(a.Team, b.Team))
	})
	var why []Obstructed
	for _, o := range []Obstacle{NotFree, TooFew, TooMany, TooFar, PayTooLow, NotVerified, AskedBefore} {
		if n := count[o]; n > 0 {
			why = append(why, Obstructed{o, n, explain(o, n, radius)})
		}
	}
	return found, why, err
}

// asked lists the teams that are in a handshake about the job, or have had their
// answer: not those that others overtook, and those that were never told.
func (e *Engine) asked(ctx context.Context, job string) (map[string]bool, error) {
	out := map[string]bool{}
	err := e.handshakes.c.Each(ctx, store.Range{Index: "job", Prefix: store.K(job)}, func(h store.Item[Handshake]) error {
		if !h.Doc.State.Over() || h.Doc.Shown && h.Doc.State != Overtaken {
			out[h.Doc.Team] = true
		}
		return nil
	})
	return out, err
}

func (e *Engine) mayPost(ctx context.Context, known map[string]bool, party string, now time.Time) (bool, error) {
	if ok, seen := known[party]; seen {
		return ok, nil
	}
	p, err := e.board.PartyByID(ctx, party)
	if err != nil {
		return false, err
	}
	known[party] = p.Doc.MayPost(now) == nil
	return known[party], nil
}

// Consider looks at one job: it lists the cooperatives' teams in its first look,
// and offers its free places to the best teams that may have them now. feed is
// how far the market's posts were read.
func (e *Engine) Consider(ctx context.Context, id string, feed int64) error {
	job, err := e.board.Jobs.Get(ctx, id)
	if err != nil || job.Doc.State != market.JobOpen {
		return notThere(err)
	}
	found, _, err := e.candidates(ctx, job)
	if err != nil {
		return err
	}
	if job.Doc.LookOpen() {
		found = slices.DeleteFunc(found, func(c Candidate) bool { return c.Tier > 1 })
		if job, err = e.list(ctx, job, found, feed); err != nil {
			return err
		}
	}
	for _, c := range choose(&job.Doc, found) {
		if err := e.offer(ctx, id, c); err != nil {
			return err
		}
	}
	return nil
}

// list writes the teams into the job's first look.
func (e *Engine) list(ctx context.Context, job store.Item[market.Job], found []Candidate, feed int64) (store.Item[market.Job], error) {
	lookers := make([]market.Looker, len(found))
	for i, c := range found {
		lookers[i] = market.Looker{Team: c.Team, Owner: c.Owner}
	}
	cmd := store.Command{ID: fmt.Sprintf("look/%d/%d", feed, job.Rev), Actor: "system:engine", From: e.node, At: e.now()}
	return e.board.Jobs.Update(ctx, job.ID, cmd, func(j *market.Job) ([]store.Entry, error) { return j.List(lookers, feed) })
}

// choose picks the teams that are to be offered the job's places which no live
// offer covers.
func choose(j *market.Job, found []Candidate) []Candidate {
	uncovered := j.Free() - j.Out()
	if uncovered <= 0 || len(found) == 0 {
		return nil
	}
	p := assign.Problem{Jobs: []assign.Job{{Demand: uncovered}}}
	for i, c := range found {
		p.Teams = append(p.Teams, assign.Team{Tier: c.Tier, Headcount: c.People, Smallest: c.Least})
		p.Pairs = append(p.Pairs, assign.Pair{Team: i, Job: 0, Score: c.Score.Total})
	}
	var out []Candidate
	for _, a := range assign.Greedy(p) {
		c := found[a.Team]
		c.People = a.Count
		out = append(out, c)
	}
	return out
}

// offer makes the engine's handshake for a job and a team. Its id follows from the
// two and from the job's count, so that engines that see the same make the same;
// of two that see another count the job admits one.
func (e *Engine) offer(ctx context.Context, job string, c Candidate) error {
	j, err := e.board.Jobs.Get(ctx, job)
	if err != nil {
		return notThere(err)
	}
	t, err := e.board.Teams.Get(ctx, c.Team)
	if err != nil {
		return notThere(err)
	}
	id := store.DeriveID("h", "engine", job, c.Team, strconv.FormatInt(j.Doc.Ticks, 10))
	cmd := store.Command{ID: "offer/" + id, Actor: "system:engine", From: e.node, At: e.now()}
	_, err = e.handshakes.propose(ctx, cmd, id, FromEngine, j, t, c.People, cmd.Actor)
	if refusal(err) || fault.Is(err, fault.Invalid) {
		// The team or the job changed since it was looked at; the feed brings it back.
		e.log.DebugContext(ctx, "an offer was not made", "job", job, "team", c.Team, "reason", public(err))
		return nil
	}
	return err
}

// overtakeRest ends the handshakes of a job that can have no place any more.
func (e *Engine) overtakeRest(ctx context.Context, id string) error {
	job, err := e.board.Jobs.Get(ctx, id)
	if err != nil {
		return notThere(err)
	}
	reason := ""
	switch {
	case job.Doc.State == market.JobClosed:
		reason = "the employer has closed the job"
	case job.Doc.State == market.JobRemoved:
		reason = "the post was removed by the market's operators"
	case job.Doc.Free() <= 0: // filled; its deadline may have passed since
		reason = "others have taken the job's places"
	default:
		return nil
	}
	return e.handshakes.c.Each(ctx, store.Range{Index: "job", Prefix: store.K(id)}, func(it store.Item[Handshake]) error {
		if it.Doc.State.Over() || it.Doc.State.Bound() || it.Doc.State == Agreed {
			return nil
		}
		cmd := e.handshakes.command(it.ID, "overtake")
		_, err := e.handshakes.update(ctx, it.ID, cmd, func(h *Handshake) ([]store.Entry, error) {
			if h.State.Over() || h.State.Bound() || h.State == Agreed {
				return nil, nil
			}
			return h.Overtake(it.ID, reason, cmd.At)
		})
		if err != nil && !refusal(err) {
			return err
		}
		_, err = e.handshakes.Advance(ctx, it.ID)
		return err
	})
}

// handlePost does the engine's part for an entry of a market's posts.
func (e *Engine) handlePost(ctx context.Context, r store.Record) error {
	ref, err := reference(r)
	if err != nil {
		return err
	}
	switch {
	case r.Kind == "team.closed":
		return nil
	case ref.Collection == "teams":
		return e.considerFor(ctx, ref.ID, r.N)
	case r.Kind == "party.verified":
		return e.considerOf(ctx, ref.ID, r.N)
	case slices.Contains([]string{"job.filled", "job.closed", "job.removed"}, r.Kind):
		return e.overtakeRest(ctx, ref.ID)
	case strings.HasPrefix(r.Kind, "job."):
		return e.Consider(ctx, ref.ID, r.N)
	}
	return nil
}

// considerFor looks at the open jobs of a team's trades.
func (e *Engine) considerFor(ctx context.Context, team string, feed int64) error {
	t, err := e.board.Teams.Get(ctx, team)
	if err != nil {
		return notThere(err)
	}
	for _, trade := range t.Doc.Post.Trades {
		err := e.board.Jobs.Each(ctx, store.Range{Index: "trade", Prefix: store.K(trade)}, func(j store.Item[market.Job]) error {
			if !t.Doc.Post.FreeOn(j.Doc.Post.Period) {
				return nil
			}
			if market.Distance(t.Doc.Post.Base.Where(), j.Doc.Post.Where()) > j.Doc.Settings.RadiusKm {
				return nil
			}
			return e.Consider(ctx, j.ID, feed)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// considerOf looks at what a party has on the market, which could not be offered
// while it was not verified.
func (e *Engine) considerOf(ctx context.Context, party string, feed int64) error {
	err := e.board.Teams.Each(ctx, store.Range{Index: "owner", Prefix: store.K(party)}, func(t store.Item[market.Team]) error {
		if t.Doc.State != market.TeamOpen {
			return nil
		}
		return e.considerFor(ctx, t.ID, feed)
	})
	if err != nil {
		return err
	}
	return e.board.Jobs.Each(ctx, store.Range{Index: "employer", Prefix: store.K(party)}, func(j store.Item[market.Job]) error {
		return e.Consider(ctx, j.ID, feed)
	})
}

// handleHandshake does the engine's part for an entry of a market's handshakes:
// what an ending freed is offered anew, and so are the places that an agreement
// left which is for fewer people than were offered.
func (e *Engine) handleHandshake(ctx context.Context, r store.Record) error {
	if r.Kind != "handshake.released" && r.Kind != "handshake.agreed" {
		return nil
	}
	ref, err := reference(r)
	if err != nil {
		return err
	}
	h, err := e.handshakes.c.Get(ctx, ref.ID)
	if err != nil {
		return notThere(err)
	}
	return e.Consider(ctx, h.Doc.Job, 0)
}

// notThere makes nothing of what is not there any more.
func notThere(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
