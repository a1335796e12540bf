package matching

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// Advance finishes what a handshake waits for, forward, until it waits for
// nothing, and gives it as it then is. Anyone may call it at any time, and be as
// late as they like: each request has one answer, which team and job keep.
func (s *Handshakes) Advance(ctx context.Context, id string) (store.Item[Handshake], error) {
	for {
		it, err := s.c.Get(ctx, id)
		if err != nil {
			return it, err
		}
		switch it.Doc.Step() {
		case StepNone:
			return it, nil
		case StepAdmit:
			err = s.admit(ctx, it)
		case StepHold:
			err = s.hold(ctx, it)
		case StepClaim:
			err = s.claim(ctx, it)
		case StepRelease:
			err = s.release(ctx, it)
		}
		if err != nil {
			return store.Item[Handshake]{}, err
		}
	}
}

// command gives the house's command for a step of a handshake.
func (s *Handshakes) command(id, step string) store.Command {
	return store.Command{ID: step + "/" + id, Actor: "system:matching", From: s.node, At: s.now()}
}

// outcome records what became of a step, if the handshake still waits for it.
func (s *Handshakes) outcome(ctx context.Context, it store.Item[Handshake], step string, fn func(h *Handshake, now time.Time) ([]store.Entry, error)) error {
	cmd := s.command(it.ID, "outcome/"+step)
	_, err := s.c.Update(ctx, it.ID, cmd, func(h *Handshake) ([]store.Entry, error) {
		if h.Asked != it.Doc.Asked {
			return nil, nil // a later request is under way
		}
		return fn(h, cmd.At)
	})
	return err
}

// refusal tells a refusal from a failure: what is refused now may be right, and
// what fails is tried again.
func refusal(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Conflict, fault.Gone, fault.NotFound:
		return err != nil
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.Stale, fault.Reused, fault.TooMany,
		fault.TooLarge, fault.Unknown, fault.Unavailable, fault.Internal:
	}
	return false
}

func (s *Handshakes) admit(ctx context.Context, it store.Item[Handshake]) error {
	h, cmd := it.Doc, s.command(it.ID, "admit")
	job, err := s.board.Jobs.Update(ctx, h.Job, cmd, func(j *market.Job) ([]store.Entry, error) {
		return j.AskAdmit(market.Admission{Handshake: it.ID, Team: h.Team, Tier: h.Tier, People: h.People}, cmd.At), nil
	})
	if err != nil {
		return err
	}
	why := job.Doc.Said(it.ID, 0)
	return s.outcome(ctx, it, "admit", func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Admitted(it.ID, why, now) })
}

func (s *Handshakes) hold(ctx context.Context, it store.Item[Handshake]) error {
	h := it.Doc
	why, err := s.holdPeople(ctx, it.ID, &h, h.People, h.Period)
	if err != nil {
		return err
	}
	if why == nil {
		if err := s.answer(ctx, it.ID, &h, market.LookYes); err != nil {
			return err
		}
	}
	return s.outcome(ctx, it, fmt.Sprintf("hold%d", h.Asked), func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Held(it.ID, why, now) })
}

// holdPeople asks the team to hold people, and gives why it does not.
func (s *Handshakes) holdPeople(ctx context.Context, id string, h *Handshake, people int, p market.Period) (why, err error) {
	team, err := s.board.Teams.Update(ctx, h.Team, s.command(id, fmt.Sprintf("hold%d", h.Asked)), func(t *market.Team) ([]store.Entry, error) {
		return t.Ask(id, h.Asked, people, p), nil
	})
	if err != nil {
		return nil, err
	}
	return team.Doc.Said(id, h.Asked), nil
}

func (s *Handshakes) claim(ctx context.Context, it store.Item[Handshake]) error {
	h := it.Doc
	step, terms := fmt.Sprintf("claim%d", h.Asked), h.Agreed().Terms
	why, err := s.holdPeople(ctx, it.ID, &h, terms.People, terms.Period)
	if err != nil {
		return err
	}
	if why != nil {
		return s.outcome(ctx, it, step, func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Unclaimable(it.ID, why, now) })
	}
	job, err := s.board.Jobs.Update(ctx, h.Job, s.command(it.ID, step), func(j *market.Job) ([]store.Entry, error) {
		return j.AskClaim(it.ID, h.Asked, terms.People), nil
	})
	if err != nil {
		return err
	}
	if why = job.Doc.Said(it.ID, h.Asked); why != nil {
		return s.outcome(ctx, it, step, func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Claimed(it.ID, "", why, now) })
	}
	contract, err := s.contract.Draft(ctx, it.ID, &h)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Gone) {
		return s.outcome(ctx, it, step, func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Undraftable(it.ID, err, now) })
	}
	if err != nil {
		return err
	}
	return s.outcome(ctx, it, step, func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.Claimed(it.ID, contract, nil, now) })
}

// release has team and job let an ended handshake go. What is done keeps its
// places in the job: they were filled. A team that was never asked for its people
// has nothing to let go.
func (s *Handshakes) release(ctx context.Context, it store.Item[Handshake]) error {
	h, cmd := it.Doc, s.command(it.ID, "release")
	if h.Asked > 0 {
		_, err := s.board.Teams.Update(ctx, h.Team, cmd, func(t *market.Team) ([]store.Entry, error) {
			return t.Release(it.ID, h.Period, cmd.At)
		})
		if err != nil {
			return err
		}
	}
	if h.State != Done {
		_, err := s.board.Jobs.Update(ctx, h.Job, s.command(it.ID, "yield"), func(j *market.Job) ([]store.Entry, error) {
			return j.Yield(it.ID)
		})
		if err != nil {
			return err
		}
	}
	if a := lookAnswer(&h); a != "" {
		if err := s.answer(ctx, it.ID, &h, a); err != nil {
			return err
		}
	}
	return s.outcome(ctx, it, "release", func(h *Handshake, now time.Time) ([]store.Entry, error) { return h.LetGo(now) })
}

// lookAnswer is what an ending says for the team in the job's first look. What the
// employer ends is no answer of the team's: the first look would else be over as
// soon as the employer has turned all cooperatives away.
func lookAnswer(h *Handshake) market.LookAnswer {
	switch {
	case h.Owner.Yes != nil || !h.Shown:
	case h.State == Declined || h.State == Withdrawn:
		if h.Ending.Side == Owner {
			return market.LookPassed
		}
	case h.State == Expired:
		return market.LookExpired
	}
	return ""
}

// answer tells a job's first look what the team said.
func (s *Handshakes) answer(ctx context.Context, id string, h *Handshake, a market.LookAnswer) error {
	if h.Tier != 1 {
		return nil
	}
	_, err := s.board.Jobs.Update(ctx, h.Job, s.command(id, "answer-"+string(a)), func(j *market.Job) ([]store.Entry, error) {
		return j.Answer(h.Team, a)
	})
	return err
}

// AdvanceAll finishes every handshake that waits for something, such as those of
// a process that died. It gives how many it finished; one that cannot be finished
// does not keep the others.
func (s *Handshakes) AdvanceAll(ctx context.Context) (int, error) {
	n, failed := 0, []error(nil)
	err := s.c.Each(ctx, store.Range{Index: "unfinished"}, func(it store.Item[Handshake]) error {
		if _, err := s.Advance(ctx, it.ID); err != nil {
			failed = append(failed, fmt.Errorf("handshake %s: %w", it.ID, err))
			return ctx.Err()
		}
		n++
		return nil
	})
	return n, errors.Join(append(failed, err)...)
}

// Settle does what has fallen due by now, and what follows from it. Any node may
// call it at any time; each thing happens once. It gives how many it changed.
func (s *Handshakes) Settle(ctx context.Context, now time.Time) (int, error) {
	n, failed := 0, []error(nil)
	err := s.c.Each(ctx, store.Range{Index: "next", To: store.K(now.Add(time.Millisecond))}, func(it store.Item[Handshake]) error {
		due := it.Doc.Next()
		if now.Before(due) {
			return nil
		}
		cmd := store.Command{ID: "settle@" + due.Format(time.RFC3339Nano), Actor: "system:settler", From: s.node, At: now}
		_, err := s.c.Update(ctx, it.ID, cmd, func(h *Handshake) ([]store.Entry, error) { return h.Settle(it.ID, now) })
		if err == nil {
			_, err = s.Advance(ctx, it.ID)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("handshake %s: %w", it.ID, err))
			return ctx.Err()
		}
		n++
		return nil
	})
	return n, errors.Join(append(failed, err)...)
}
