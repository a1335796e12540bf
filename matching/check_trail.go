package matching

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"hezuo/store"
)

// life is the order of a handshake's stages.
var life = [...]State{Offered, Negotiating, Agreed, Signed, Working}

// checkStages sees that a handshake came to its state by the states before, and
// that what it holds of each was done before the deadline that it had there.
func checkStages(h *Handshake, where string, r *store.Report) {
	bad := func(format string, args ...any) { r.Find(stateInvariant, where, format, args...) }
	if len(h.Stages) > len(life) {
		bad("it has more stages than there are")
		return
	}
	for i, s := range h.Stages {
		if s.State != life[i] || s.Until.IsZero() {
			bad("it came to be %s as its stage %d, or without a deadline", s.State, i+1)
			return
		}
	}
	switch {
	case h.State.Over():
		if h.Ending == nil || h.Ending.State != h.State || !h.Deadline.IsZero() || h.Holding || h.Claiming {
			bad("it is %s, and does not say how it ended", h.State)
		}
	case h.Ending != nil || h.Released:
		bad("it is %s, and says that it ended", h.State)
	case h.State == Proposed:
		if len(h.Stages) > 0 || !h.Deadline.IsZero() {
			bad("it is only proposed, and was more already")
		}
	case len(h.Stages) == 0 || h.Stages[len(h.Stages)-1] != (Stage{h.State, h.Deadline}):
		bad("it is %s until %s, and its newest stage is another", h.State, h.Deadline.Format(time.RFC3339))
	}
	if h.Holding && h.State != Offered || h.Claiming && h.State != Negotiating {
		bad("it is %s, and asks a team or a job for what is not due", h.State)
	}
	checkActs(h, where, r)
}

// checkActs sees that each act that a handshake holds was done in time.
func checkActs(h *Handshake, where string, r *store.Report) {
	until := map[State]time.Time{}
	for _, s := range h.Stages {
		until[s.State] = s.Until
	}
	for _, role := range []Role{Employer, Owner} {
		side := h.side(role)
		check := func(what string, s State, act *Act) {
			if end, ok := until[s]; act != nil && (!ok || !act.At.Before(end)) {
				r.Find(deadlineInvariant, where, "the %s %s after the deadline, or in another state", role, what)
			}
		}
		if side.Yes != nil && h.Shown {
			check("said yes", Offered, side.Yes)
		}
		if side.Accepted != nil {
			check("accepted terms", Negotiating, &side.Accepted.Act)
		}
		if side.Signed != nil {
			check("signed", Agreed, &side.Signed.Act)
		}
		if h.reached(Negotiating) && side.Yes == nil {
			r.Find(stateInvariant, where, "it came to negotiation without the %s's yes", role)
		}
		if h.reached(Signed) && side.Signed == nil {
			r.Find(stateInvariant, where, "it is signed, and not by the %s", role)
		}
	}
}

// checkTerms sees that what both sides accepted is one and the same, to the byte,
// and that there is a contract from then on, and none before.
func checkTerms(h *Handshake, where string, r *store.Report) {
	bad := func(format string, args ...any) { r.Find(termsInvariant, where, format, args...) }
	r.Count("proposals of terms", len(h.Proposed))
	for i, p := range h.Proposed {
		hash, err := p.Terms.Hash()
		if err != nil || hash != p.Hash || p.N != i+1 {
			bad("revision %d of the terms is not that of its hash", i+1)
		}
	}
	if !h.reached(Agreed) {
		if h.Contract != "" || h.Employer.Signed != nil || h.Owner.Signed != nil {
			bad("there is a contract, or a signature, and nothing was agreed on")
		}
		return
	}
	r.Count("terms agreed on", 1)
	n := h.Newest()
	if n == nil {
		bad("it was agreed on, and there are no terms")
		return
	}
	for _, role := range []Role{Employer, Owner} {
		if a := h.side(role).Accepted; a == nil || a.Hash != n.Hash {
			bad("the %s has not accepted the newest terms", role)
		}
	}
	if h.Contract == "" {
		bad("it was agreed on, and there is no contract")
	}
	if h.People != n.Terms.People || !h.Period.Covers(n.Terms.Period) || h.Limits.Trade != n.Terms.Trade || n.Terms.People > h.Limits.Headcount {
		bad("what was agreed on is not what the job was posted for")
	}
}

// checkTrail walks through a handshake's trail beside its stages: nothing that a
// person did is later than the deadline of the stage in which they did it, and each
// deadline that passed took effect once.
func (s *Handshakes) checkTrail(ctx context.Context, it store.Item[Handshake], where string, r *store.Report) error {
	h := it.Doc
	stage, signed, whole := -1, 0, false
	count := map[string]int{}
	err := s.trail(ctx, it.ID, func(at time.Time, rec store.AuditRecord) {
		if rec.Rev > it.Rev {
			return
		}
		whole = whole || rec.Rev == it.Rev
		act, _ := strings.CutPrefix(rec.Act, "handshake.")
		cut := stage >= 0 && stage < 3 && stage < len(h.Stages) // in the stages after, a deadline cuts nothing off
		if cut && !strings.HasPrefix(rec.Actor, "system:") && !at.Before(h.Stages[stage].Until) {
			r.Find(deadlineInvariant, where, "revision %d (%s) is later than the deadline of %s", rec.Rev, act, h.Stages[stage].State)
		}
		switch act {
		case "offer", "talk", "agree", "start":
			stage++
		case "sign":
			if signed++; signed == 2 {
				stage++
			}
		}
		if due[act] {
			count[act]++
			if early := stage - after(act); early < 0 || early >= len(h.Stages) || at.Before(h.Stages[early].Until) {
				r.Find(deadlineInvariant, where, "revision %d (%s) is earlier than its deadline", rec.Rev, act)
			}
		}
	})
	if err != nil || !whole {
		return err // that the trail is whole is for the check of the trails to say
	}
	if stage+1 != len(h.Stages) {
		r.Find(stateInvariant, where, "its trail comes to stage %d, it to %d", stage+1, len(h.Stages))
	}
	want := map[string]bool{"expire": h.State == Expired, "start": h.reached(Working), "finish": h.State == Done}
	for act, is := range want {
		if n := count[act]; is != (n == 1) || n > 1 {
			r.Find(deadlineInvariant, where, "it is %s, and its trail has %s %d times", h.State, act, n)
		}
	}
	return nil
}

// due are the acts by which a deadline takes effect.
var due = map[string]bool{"expire": true, "start": true, "finish": true}

// after tells how many stages an act has gone on from the one whose deadline it is.
func after(act string) int {
	if act == "start" {
		return 1
	}
	return 0
}

// trail reads a handshake's audit trail. Records that cannot be read are passed
// over: the check of the trails finds them.
func (s *Handshakes) trail(ctx context.Context, id string, fn func(time.Time, store.AuditRecord)) error {
	for n := int64(0); ; {
		records, err := s.c.DB().Read(ctx, store.AuditLog(s.c.Name(), id), n, 500)
		if err != nil {
			return err
		}
		for _, rec := range records {
			n = rec.N
			var a store.AuditRecord
			if json.Unmarshal(rec.Body, &a) == nil {
				fn(rec.At, a)
			}
		}
		if len(records) < 500 {
			return nil
		}
	}
}
