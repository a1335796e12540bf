package main

import (
	"context"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

// quiet waits until whoever follows the markets' feeds has read all that is there.
func (h *house) quiet(ctx context.Context) error {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for last := int64(-1); ; {
		done, heads, err := h.caughtUp(ctx)
		if err != nil {
			return err
		}
		if done && heads == last { // twice: what was read last may have led to more
			return nil
		}
		last = heads
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// caughtUp compares the followers' places with the ends of their feeds, and adds
// those up.
func (h *house) caughtUp(ctx context.Context) (done bool, heads int64, err error) {
	done = true
	for _, county := range market.Counties() {
		for _, f := range []struct{ follower, log string }{
			{"engine", market.PostsFeed(county.Code)}, {"engine", matching.Feed(county.Code)}, {"agreements", matching.Feed(county.Code)},
		} {
			ends, err := h.db.Logs(ctx, f.log, "", 1)
			if err != nil {
				return false, 0, err
			}
			if len(ends) == 0 || ends[0].Log != f.log {
				continue // nobody wrote to it
			}
			at, err := h.cursors.At(ctx, f.follower, f.log)
			if err != nil {
				return false, 0, err
			}
			done = done && at == ends[0].Last
			heads += ends[0].Last
		}
	}
	return done, heads, nil
}

// deal has some of the engine's offers taken up: talks begin, and some come to an
// agreement that waits for its signatures.
func (f *filler) deal(ctx context.Context) error {
	owners := map[string]*settled{}
	for _, house := range f.town.houses {
		owners[f.settled[house].party] = f.settled[house]
	}
	return f.each(ctx, func(ctx context.Context, house *household, s *settled) error {
		for i, plan := range house.jobs {
			if plan.fate != fateTalk && plan.fate != fateFilled {
				continue
			}
			if err := f.dealAbout(ctx, s, owners, s.jobs[i], plan.fate); err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Gone) {
				return err
			}
		}
		return nil
	})
}

// dealAbout takes up the first offer of a job. A team whose people others have by
// then is a conflict, as in life.
func (f *filler) dealAbout(ctx context.Context, employer *settled, owners map[string]*settled, job string, as fate) error {
	offers, err := f.h.handshakes.OfJob(ctx, employer.caller, job, "", 10)
	if err != nil {
		return err
	}
	for _, it := range offers.Items {
		owner := owners[it.Doc.Owner.Party]
		if it.Doc.State != matching.Offered || owner == f.settled[f.town.cast.cooperative] || owner == f.settled[f.town.cast.agency] {
			continue
		}
		return f.shake(ctx, employer.caller, owner.caller, it.ID, as)
	}
	return nil
}

// shake has both sides of an offer say yes and talk, and agree where that is its
// fate.
func (f *filler) shake(ctx context.Context, employer, owner market.Caller, id string, as fate) error {
	now := f.h.now()
	if _, err := f.h.handshakes.Yes(ctx, owner, f.command(owner, "yes", now), id, matching.Event{}); err != nil {
		return err
	}
	it, err := f.h.handshakes.Yes(ctx, employer, f.command(employer, "yes/employer", now), id, matching.Event{})
	if err != nil {
		return err
	}
	for _, line := range []struct {
		by   market.Caller
		text string
	}{{employer, "您好，哪天能到？地头有人接。"}, {owner, "提前一天晚上把人定好，早上六点半准时到村口。"}} {
		if _, err := f.h.rooms.Say(ctx, line.by, id, "demo", line.text, now); err != nil {
			return err
		}
	}
	if as != fateFilled {
		return nil
	}
	return f.agree(ctx, employer, owner, it)
}

func (f *filler) agree(ctx context.Context, employer, owner market.Caller, it store.Item[matching.Handshake]) error {
	e := matching.Event{Hash: it.Doc.Newest().Hash}
	now := f.h.now()
	if _, err := f.h.handshakes.Accept(ctx, owner, f.command(owner, "accept", now), it.ID, e); err != nil {
		return err
	}
	_, err := f.h.handshakes.Accept(ctx, employer, f.command(employer, "accept/employer", now), it.ID, e)
	return err
}
