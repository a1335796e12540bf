package matching

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hezuo/market"
	"hezuo/store"
)

// What the room promises; in the words of a finding.
const (
	teamInvariant     = "a team is never promised beyond its headcount on any day"
	jobInvariant      = "a job is never filled beyond its demand"
	lookInvariant     = "no lower tier is admitted before the first look closed"
	termsInvariant    = "what is signed are the terms, to the byte, that both sides accepted"
	deadlineInvariant = "a deadline takes effect once, and nothing that it cut off happens after it"
	stateInvariant    = "a handshake is in one state, and came to it by the states before"
)

// Check is the room's part of hezuo check: each handshake by itself and by its
// trail, with the team that holds its people and the job that gave its places, and
// back from each promise and each place to its handshake. It may run while the
// market works: what it finds between two documents it believes only if the one it
// began with did not change meanwhile. Errors: those of the store.
func (s *Handshakes) Check(ctx context.Context, report *store.Report) error {
	all := store.Range{Limit: 200}
	err := s.c.Each(ctx, all, func(it store.Item[Handshake]) error {
		return steady(ctx, s.c, it, report, s.checkHandshake)
	})
	if err == nil {
		err = s.board.Teams.Each(ctx, all, func(it store.Item[market.Team]) error {
			return steady(ctx, s.board.Teams, it, report, s.checkTeam)
		})
	}
	if err == nil {
		err = s.board.Jobs.Each(ctx, all, func(it store.Item[market.Job]) error {
			return steady(ctx, s.board.Jobs, it, report, s.checkJob)
		})
	}
	if err != nil {
		return fmt.Errorf("matching: check: %w", err)
	}
	return nil
}

// looks is how often a document that changes all the time is looked at: what was
// found each time is then believed.
const looks = 20

// steady looks at a document and at others with it until nothing is found, or it
// did not change under the look.
func steady[T any](ctx context.Context, c *store.Collection[T], it store.Item[T], report *store.Report,
	look func(context.Context, store.Item[T], *store.Report) error,
) error {
	var always []store.Finding // what every look found
	for i := 1; ; i++ {
		var r store.Report
		if err := look(ctx, it, &r); err != nil {
			return err
		}
		always = slices.DeleteFunc(always, func(f store.Finding) bool { return !slices.Contains(r.Findings, f) })
		if i == 1 {
			always = r.Findings
		}
		now := it
		if len(r.Findings) > 0 {
			var err error
			if now, err = c.Get(ctx, it.ID); err != nil {
				return err
			}
		}
		if now.Rev == it.Rev || i == looks {
			if now.Rev == it.Rev {
				always = r.Findings
			}
			for what, n := range r.Counted {
				report.Count(what, n)
			}
			report.Findings = append(report.Findings, always...)
			return nil
		}
		it = now
	}
}

// checkHandshake looks at one handshake, alone and with its team and job.
func (s *Handshakes) checkHandshake(ctx context.Context, it store.Item[Handshake], r *store.Report) error {
	where, h := s.c.Name()+"/"+it.ID, it.Doc
	checkStages(&h, where, r)
	checkTerms(&h, where, r)
	if err := s.checkTrail(ctx, it, where, r); err != nil {
		return err
	}
	t, err := s.board.Teams.Get(ctx, h.Team)
	if errors.Is(err, store.ErrNotFound) {
		r.Find(stateInvariant, where, "its team is not there")
		return nil
	}
	if err != nil {
		return err
	}
	checkHold(it.ID, &h, &t.Doc, where, r)
	j, err := s.board.Jobs.Get(ctx, h.Job)
	if errors.Is(err, store.ErrNotFound) {
		r.Find(stateInvariant, where, "its job is not there")
		return nil
	}
	if err != nil {
		return err
	}
	checkPlaces(it.ID, &h, &j.Doc, where, r)
	return nil
}

// checkHold compares what a handshake says of its people with the team.
func checkHold(id string, h *Handshake, t *market.Team, where string, r *store.Report) {
	hold := t.Holds[id]
	has := hold.People > 0 && !hold.Over
	switch {
	case h.State == Proposed:
		if has {
			r.Find(teamInvariant, where, "people are held for what was only proposed")
		}
	case h.State.Over():
		if h.Released && has {
			r.Find(teamInvariant, where, "it has ended, and its people are still held")
		}
	case h.State == Offered && h.Holding: // the team is being asked
	case h.State == Offered && h.Owner.Yes == nil:
		if has {
			r.Find(teamInvariant, where, "people are held without the owner's yes")
		}
	case !has:
		r.Find(teamInvariant, where, "it is %s, and the team holds no people for it", h.State)
	case h.State == Offered:
		if hold.People != h.People || hold.Period != h.Period {
			r.Find(teamInvariant, where, "the team holds other people or days than were offered")
		}
	case h.State == Negotiating:
		if !talkedOf(h, hold) {
			r.Find(teamInvariant, where, "the team holds people or days that nobody spoke of")
		}
	default:
		if p := h.Agreed(); p == nil || hold.People != p.Terms.People || hold.Period != p.Terms.Period {
			r.Find(teamInvariant, where, "the team holds other people or days than were agreed on")
		}
	}
}

// talkedOf reports whether a promise is what was offered, or what some terms say.
func talkedOf(h *Handshake, hold market.Hold) bool {
	return hold.People == h.People && hold.Period == h.Period || slices.ContainsFunc(h.Proposed, func(p Proposal) bool {
		return hold.People == p.Terms.People && hold.Period == p.Terms.Period
	})
}

// checkPlaces compares what a handshake says of its places with the job.
func checkPlaces(id string, h *Handshake, j *market.Job, where string, r *store.Report) {
	a := j.Admission(id)
	if a == nil {
		if h.Shown {
			r.Find(lookInvariant, where, "the job has never admitted it")
		}
		return
	}
	if a.Tier != h.Tier || a.Team != h.Team {
		r.Find(lookInvariant, where, "the job has admitted another team, or in tier %d what is of tier %d", a.Tier, h.Tier)
	}
	var good bool
	switch {
	case h.State == Proposed:
		good = a.State == market.AdmittedOut || a.State == market.AdmittedNot // the outcome is still to be written
	case h.State == Done || h.reached(Agreed) && !h.State.Over():
		p := h.Agreed()
		good = a.State == market.AdmittedHas && p != nil && a.People == p.Terms.People
	case h.State.Over() && !h.Shown:
		good = a.State == market.AdmittedNot
	case h.State.Over():
		good = !h.Released || a.State == market.AdmittedOver
	case h.Claiming:
		good = a.State == market.AdmittedOut || a.State == market.AdmittedHas
	default:
		good = a.State == market.AdmittedOut && a.People == h.People
	}
	if !good {
		r.Find(jobInvariant, where, "it is %s, and has of the job: %s, %d people", h.State, a.State, a.People)
	}
}

// checkTeam goes from a team's promises back to their handshakes, which were
// compared with the team each by itself.
func (s *Handshakes) checkTeam(ctx context.Context, it store.Item[market.Team], r *store.Report) error {
	where := s.board.Teams.Name() + "/" + it.ID
	for id, hold := range it.Doc.Holds {
		if hold.Over || hold.People == 0 {
			continue
		}
		r.Count("people held, by handshake", 1)
		h, err := s.c.Get(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			r.Find(teamInvariant, where, "people are held for the handshake %s, which is not there", id)
		case err != nil:
			return err
		case h.Doc.Team != it.ID:
			r.Find(teamInvariant, where, "people are held for the handshake %s of another team", id)
		}
	}
	return nil
}

// checkJob goes from a job's admissions back to their handshakes, likewise.
func (s *Handshakes) checkJob(ctx context.Context, it store.Item[market.Job], r *store.Report) error {
	where := s.board.Jobs.Name() + "/" + it.ID
	for _, a := range it.Doc.Admitted {
		h, err := s.c.Get(ctx, a.Handshake)
		switch {
		case errors.Is(err, store.ErrNotFound):
			r.Find(jobInvariant, where, "it has admitted the handshake %s, which is not there", a.Handshake)
		case err != nil:
			return err
		case h.Doc.Job != it.ID:
			r.Find(jobInvariant, where, "it has admitted the handshake %s of another job", a.Handshake)
		}
		if a.State == market.AdmittedHas {
			r.Count("places claimed, by handshake", 1)
		}
	}
	return nil
}
