package matching

import (
	"testing"

	"hezuo/fault"
	"hezuo/market"
)

// talks brings a pair to negotiation about four places from 10 to 14 March.
func talks(t *testing.T) (w *world, p pairing, id string) {
	t.Helper()
	w = newWorld(t)
	p = w.pair(8, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id = w.with(job, p.team)
	w.talking(id, p.boss, p.chair)
	return w, p, id
}

func dearer(t *market.Terms) { t.Pay.Amount++ }

// TestCrossing: what answers terms that are not the newest is refused, and the
// newest stand.
func TestCrossing(t *testing.T) {
	w, p, id := talks(t)
	opening := w.get(id).Newest()
	w.must(w.propose(p.boss, id, dearer))
	newest := w.get(id).Newest()
	_, err := w.handshakes.Accept(w.ctx, w.as(p.chair), w.cmd(p.chair), id, Event{Hash: opening.Hash})
	w.want(err, fault.Stale)
	terms := opening.Terms
	terms.People = 3
	_, err = w.handshakes.Propose(w.ctx, w.as(p.chair), w.cmd(p.chair), id, Event{Terms: terms, Hash: opening.Hash})
	w.want(err, fault.Stale)
	if h := w.get(id); h.Newest().Hash != newest.Hash || len(h.Proposed) != 2 || h.Owner.Accepted != nil {
		t.Errorf("what crossed has changed something: %+v", h.Newest())
	}
	// Both propose the very same: that is an agreement, in whatever order.
	_, err = w.handshakes.Propose(w.ctx, w.as(p.chair), w.cmd(p.chair), id, Event{Terms: newest.Terms, Hash: opening.Hash})
	w.must(err)
	w.state(id, Agreed)
	w.clean()
}

// TestOldAcceptanceIsVoid: terms that one side had accepted, that were changed and
// then proposed again by the other, need its yes anew, and get it.
func TestOldAcceptanceIsVoid(t *testing.T) {
	w, p, id := talks(t)
	opening := w.get(id).Newest()
	w.must(w.accept(p.chair, id))
	w.must(w.propose(p.boss, id, dearer))
	_, err := w.handshakes.Propose(w.ctx, w.as(p.boss), w.cmd(p.boss), id, Event{Terms: opening.Terms, Hash: w.get(id).Newest().Hash})
	w.must(err)
	if h := w.state(id, Negotiating); h.Agreed() != nil || h.Claiming {
		t.Fatal("an acceptance of long ago is taken for one of now")
	}
	w.must(w.accept(p.chair, id))
	w.state(id, Agreed)
	w.clean()
}

// TestTermsOutsideTheJob are refused under their field.
func TestTermsOutsideTheJob(t *testing.T) {
	w, p, id := talks(t)
	for field, change := range map[string]func(*market.Terms){
		"terms.trade":          func(t *market.Terms) { t.Trade = "pear-picking" },
		"terms.people":         func(t *market.Terms) { t.People = 5 },
		"terms.period":         func(t *market.Terms) { t.Period.From = "2026-03-09" },
		"terms.period.from":    func(t *market.Terms) { t.Period.From = "2026-02-30" },
		"terms.period.to":      func(t *market.Terms) { t.Period = market.Period{From: "2026-03-14", To: "2026-03-10"} },
		"terms.pay.amount_fen": func(t *market.Terms) { t.Pay.Amount = 0 },
		"terms.task":           func(t *market.Terms) { t.Task = "打 13800138000" },
	} {
		if err := w.propose(p.chair, id, change); !fault.Is(err, fault.Invalid) || blamed(err) != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := w.propose(p.chair, id, func(t *market.Terms) { t.Period.To = "2026-03-15" }); blamed(err) != "terms.period" {
		t.Errorf("a day after the job's last: %v", err)
	}
	if n := len(w.get(id).Proposed); n != 1 {
		t.Errorf("there are %d proposals", n)
	}
	w.clean()
}

// TestDaysThatAreOver cannot be agreed on.
func TestDaysThatAreOver(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	post := w.post(4, "2026-03-01", "2026-03-05")
	post.Deadline = post.Period.End()
	job := w.job(p.employer, p.boss, post)
	w.turn()
	id := w.with(job, p.team)
	w.talking(id, p.boss, p.chair)
	w.must(w.propose(p.chair, id, func(t *market.Terms) { t.Period.To = "2026-03-01" }))
	w.clock.Set(shanghai("2026-03-02", "00:00:00"))
	w.want(w.accept(p.boss, id), fault.Conflict)
	if err := w.propose(p.boss, id, func(t *market.Terms) { t.Pay.Amount++ }); blamed(err) != "terms.period.to" {
		t.Errorf("days that are over are proposed: %v", err)
	}
	w.must(w.propose(p.boss, id, func(t *market.Terms) { t.Period.To = "2026-03-02" }))
	w.must(w.accept(p.chair, id))
	w.state(id, Agreed)
	w.clean()
}

// TestTermsTheTeamCannotKeep: the acceptances are void, the sides talk on, and both
// are told.
func TestTermsTheTeamCannotKeep(t *testing.T) {
	w, p, id := talks(t)
	other, boss := w.party(market.Company, false)
	job := w.job(other, boss, w.post(4, "2026-03-10", "2026-03-14"))
	busy, err := w.invite(boss, job, p.team, 4)
	w.must(err)
	w.must(w.propose(p.boss, id, func(t *market.Terms) { t.People = 2 }))
	w.must(w.yes(p.chair, busy)) // all eight are promised now
	w.must(w.propose(p.boss, id, func(t *market.Terms) { t.People = 1 }))
	err = w.accept(p.chair, id)
	w.want(err, fault.Conflict)
	if h := w.state(id, Negotiating); h.Void == "" || h.Agreed() != nil || h.Claiming || w.getTeam(p.team).Holds[id].People != 4 {
		t.Errorf("the team sends no fewer than 2: %+v", h.Void)
	}
	w.must(w.propose(p.boss, id, func(t *market.Terms) { t.People = 4 }))
	w.must(w.accept(p.chair, id))
	if h := w.state(id, Agreed); h.Void != "" {
		t.Error("what was void is good now")
	}
	w.clean()
}

// TestTooManyProposals: a handshake's document does not grow without end.
func TestTooManyProposals(t *testing.T) {
	h := situation(t, "N")
	propose := func() error {
		n := h.Newest()
		terms := n.Terms
		terms.Pay.Amount++
		_, err := h.Propose(hid, Owner, "p", n.Hash, terms, begin)
		return err
	}
	for len(h.Proposed) < maxProposals {
		if err := propose(); err != nil {
			t.Fatal(err)
		}
	}
	if err := propose(); !fault.Is(err, fault.TooMany) || len(h.Proposed) != maxProposals {
		t.Errorf("%d proposals: %v", len(h.Proposed), err)
	}
	if _, err := h.Accept(hid, Employer, "p", h.Newest().Hash, begin); err != nil || h.Agreed() == nil {
		t.Errorf("the last one cannot be accepted: %v", err)
	}
}

// TestNoContract: where there never can be one the handshake ends and gives back
// what it had; where the room of agreements fails it waits, and keeps nobody else.
func TestNoContract(t *testing.T) {
	for name, refuse := range map[string]*fault.Error{
		"deleted": fault.New(fault.Gone, "the party's data were deleted"), "wording": fault.New(fault.Invalid, "this would be labour dispatch"),
	} {
		t.Run(name, func(t *testing.T) {
			w, p, id := talks(t)
			w.contract.refuse = refuse
			w.must(w.accept(p.boss, id))
			w.want(w.accept(p.chair, id), fault.Gone)
			h := w.state(id, Withdrawn)
			if j := w.getJob(h.Job); h.Ending.Reason != refuse.Message || j.Free() != 4 || !w.getTeam(p.team).Holds[id].Over {
				t.Errorf("it ended: %+v, %d places are free", h.Ending, j.Free())
			}
			w.clean()
		})
	}
	w, p, id := talks(t)
	other := w.job(p.employer, p.boss, w.post(4, "2026-04-10", "2026-04-14"))
	w.turn()
	due := w.with(other, p.team)
	w.contract.refuse = fault.New(fault.Unavailable, "the keys do not open")
	w.must(w.accept(p.boss, id))
	w.want(w.accept(p.chair, id), fault.Unavailable)
	w.clock.Set(w.get(due).Deadline)
	w.want(w.engine.SettleOnce(w.ctx), fault.Unavailable)
	w.state(due, Expired)
	w.clean()
	w.clock.Add(48 * 60 * 60 * 1e9) // long after the deadline of the talk: they agreed in time
	w.contract.refuse = nil
	w.settle()
	w.state(id, Agreed)
	w.clean()
}
