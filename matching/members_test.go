package matching

import (
	"context"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// everyAct is each act of the service, as somebody might try it.
func everyAct(h *Handshakes, e Event) map[string]func(context.Context, market.Caller, store.Command, string) error {
	drop := func(f func(context.Context, market.Caller, store.Command, string, Event) (store.Item[Handshake], error)) func(context.Context, market.Caller, store.Command, string) error {
		return func(ctx context.Context, by market.Caller, cmd store.Command, id string) error {
			_, err := f(ctx, by, cmd, id, e)
			return err
		}
	}
	return map[string]func(context.Context, market.Caller, store.Command, string) error{
		"yes": drop(h.Yes), "decline": drop(h.Decline), "withdraw": drop(h.Withdraw), "propose": drop(h.Propose), "accept": drop(h.Accept),
		"sign": drop(h.Sign), "refuse": drop(h.Refuse), "break off": drop(h.BreakOff),
		"get": func(ctx context.Context, by market.Caller, _ store.Command, id string) error {
			_, err := h.Get(ctx, by, id)
			return err
		},
	}
}

// TestStrangers: a handshake is not there for who is on neither side, in no state;
// operators of its market and auditors read it, and change nothing.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	_, stranger := w.party(market.Cooperative, false)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	nobody := market.Caller{Person: "p-nobody", Admin: true, Operates: map[string]bool{"371503": true}}
	check := func() {
		t.Helper()
		rev := w.rev(id)
		for name, act := range everyAct(w.handshakes, Event{Reason: "because I can", Protected: "header", Signature: "signed by owner"}) {
			for who, by := range map[string]market.Caller{"a stranger": w.as(stranger), "an admin, and operator elsewhere": nobody} {
				if err := act(w.ctx, by, w.cmd("p"), id); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s may %s: %v", who, name, err)
				}
			}
			for who, by := range map[string]market.Caller{"the operator": w.as(operator), "an auditor": {Person: "p-a", Auditor: true}} {
				if err := act(w.ctx, by, w.cmd("p"), id); name == "get" && err != nil || name != "get" && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s may %s: %v", who, name, err)
				}
			}
		}
		if again := w.rev(id); again != rev {
			t.Errorf("revision %d became %d", rev, again)
		}
	}
	check()
	w.signed(id, p.boss, p.chair)
	check()
	w.must(w.breakOff(p.boss, id))
	check()
	for name, err := range map[string]error{
		"a party's": func() error { _, err := w.handshakes.OfParty(w.ctx, w.as(stranger), p.coop, "", 0); return err }(),
		"a job's":   func() error { _, err := w.handshakes.OfJob(w.ctx, w.as(stranger), job, "", 0); return err }(),
		"of none":   func() error { _, err := w.handshakes.OfJob(w.ctx, w.as(p.boss), "j-none", "", 0); return err }(),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger lists %s handshakes: %v", name, err)
		}
	}
	for _, it := range []func() (store.Page[Handshake], error){
		func() (store.Page[Handshake], error) {
			return w.handshakes.OfParty(w.ctx, w.as(p.chair), p.coop, "", 0)
		},
		func() (store.Page[Handshake], error) { return w.handshakes.OfJob(w.ctx, w.as(p.boss), job, "", 0) },
		func() (store.Page[Handshake], error) { return w.handshakes.OfJob(w.ctx, w.as(operator), job, "", 0) },
	} {
		page, err := it()
		w.must(err)
		if len(page.Items) != 1 || page.Items[0].ID != id {
			t.Errorf("who may sees %d handshakes", len(page.Items))
		}
	}
}

// TestOtherSide: nobody acts for the side that is not theirs; who acts for both must
// say for which.
func TestOtherSide(t *testing.T) {
	w := newWorld(t)
	p := w.pair(8, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	id := w.with(job, p.team)
	do := func(person string, as Role) error {
		_, err := w.handshakes.Yes(w.ctx, w.as(person), w.cmd(person), id, Event{As: as})
		return err
	}
	for _, c := range []struct {
		person string
		as     Role
	}{{p.boss, Owner}, {p.chair, Employer}, {p.boss, "operator"}} {
		if err := do(c.person, c.as); err == nil {
			t.Errorf("%s acts as %s", c.person, c.as)
		}
	}
	if h := w.get(id); h.Employer.Yes != nil || h.Owner.Yes != nil {
		t.Fatal("somebody has said yes for the other side")
	}
	_, err := w.board.AdmitPerson(w.ctx, w.as(p.boss), w.cmd(p.boss), p.employer, p.chair)
	w.must(err)
	if err := do(p.chair, ""); blamed(err) != "as" {
		t.Errorf("who acts for both does not say for which: %v", err)
	}
	w.must(do(p.chair, Owner))
	if h := w.get(id); h.Owner.Yes == nil || h.Employer.Yes != nil {
		t.Error("the owner's yes is the employer's")
	}
	w.must(do(p.chair, Employer))
	w.state(id, Negotiating)
	hash := w.get(id).Newest().Hash
	for _, r := range []Role{Employer, Owner} {
		_, err := w.handshakes.Accept(w.ctx, w.as(p.chair), w.cmd(p.chair), id, Event{As: r, Hash: hash})
		w.must(err)
	}
	w.must(w.sign(p.chair, id, Owner))
	// Dismissed, they act for the employer no more.
	_, err = w.board.DismissPerson(w.ctx, w.as(p.boss), w.cmd(p.boss), p.employer, p.chair)
	w.must(err)
	if w.sign(p.chair, id, Employer) == nil {
		t.Error("who was dismissed signs for the employer")
	}
	w.must(w.sign(p.boss, id, Employer))
	if h := w.state(id, Signed); h.Employer.Signed.By != p.boss || h.Owner.Signed.By != p.chair {
		t.Error("the signatures are not their signers'")
	}
	w.clean()
}

// TestProposedIsSecret: until the job has admitted it, only its proposer, and those
// whose office it is, know of a handshake; also when it was never admitted.
func TestProposedIsSecret(t *testing.T) {
	p := pairing{employer: "y-e", boss: "b", coop: "y-o", chair: "c"}
	boss := market.Caller{Person: "b", Parties: map[string]market.PartyKind{"y-e": market.Company}}
	chair := market.Caller{Person: "c", Parties: map[string]market.PartyKind{"y-o": market.Cooperative}}
	reader := market.Caller{Person: "o", Operates: map[string]bool{county: true}}
	for _, origin := range []Origin{FromEngine, Invitation, Application} {
		for _, ended := range []bool{false, true} {
			h := situation(t, "P")
			h.Origin, h.Employer.Party, h.Owner.Party = origin, p.employer, p.coop
			if ended {
				if _, err := h.Admitted(hid, fault.New(fault.Conflict, "too many"), begin); err != nil {
					t.Fatal(err)
				}
			}
			if visible(h, boss) != (origin == Invitation) || visible(h, chair) != (origin == Application) || !visible(h, reader) {
				t.Errorf("%s, ended %v: the employer sees it %v, the owner %v", origin, ended, visible(h, boss), visible(h, chair))
			}
		}
	}
}

// Whoever acts for both sides does not sign for both (民法典 art 168).
func TestOnePersonDoesNotSignForBoth(t *testing.T) {
	noon := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	h := &Handshake{State: Agreed, Deadline: noon.Add(time.Hour)}
	h.Employer.Signed = &Signature{Act: Act{By: "both"}}
	if _, err := h.Sign(hid, Owner, Signature{Act: Act{By: "both"}}, noon); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v, want forbidden", err)
	}
	if h.Owner.Signed != nil {
		t.Error("the second signature was recorded")
	}
}
