package matching

import (
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// pairing is an employer and a cooperative with a team, each with one person.
type pairing struct {
	employer, boss string
	coop, chair    string
	team           string
}

// pair registers an employer, and a cooperative with a team of so many.
func (w *world) pair(headcount, smallest int) pairing {
	w.t.Helper()
	var p pairing
	p.employer, p.boss = w.party(market.Company, false)
	p.coop, p.chair = w.party(market.Cooperative, false)
	p.team = w.team(p.coop, p.chair, headcount, smallest)
	return p
}

// yes, accept and sign do the act of a person and give what came of it.
func (w *world) yes(person, id string) error {
	_, err := w.handshakes.Yes(w.ctx, w.as(person), w.cmd(person), id, Event{})
	return err
}

func (w *world) accept(person, id string) error {
	_, err := w.handshakes.Accept(w.ctx, w.as(person), w.cmd(person), id, Event{Hash: w.get(id).Newest().Hash})
	return err
}

func (w *world) sign(person, id string, r Role) error {
	_, err := w.handshakes.Sign(w.ctx, w.as(person), w.cmd(person), id, signature(r))
	return err
}

func (w *world) propose(person, id string, change func(*market.Terms)) error {
	newest := w.get(id).Newest()
	terms := newest.Terms
	change(&terms)
	_, err := w.handshakes.Propose(w.ctx, w.as(person), w.cmd(person), id, Event{Terms: terms, Hash: newest.Hash})
	return err
}

func (w *world) decline(person, id string) error {
	_, err := w.handshakes.Decline(w.ctx, w.as(person), w.cmd(person), id, reason("we are away then"))
	return err
}

func (w *world) withdraw(person, id string) error {
	_, err := w.handshakes.Withdraw(w.ctx, w.as(person), w.cmd(person), id, reason("we are away then"))
	return err
}

func (w *world) breakOff(person, id string) error {
	_, err := w.handshakes.BreakOff(w.ctx, w.as(person), w.cmd(person), id, reason("the harvest is lost"))
	return err
}

func (w *world) refuse(person, id string) error {
	_, err := w.handshakes.Refuse(w.ctx, w.as(person), w.cmd(person), id, reason("not what we said"))
	return err
}

// apply and invite give the handshake that was made.
func (w *world) apply(person, job, team string, people int) (string, error) {
	it, err := w.handshakes.Apply(w.ctx, w.as(person), w.cmd(person), job, team, people)
	return it.ID, err
}

func (w *world) invite(person, job, team string, people int) (string, error) {
	it, err := w.handshakes.Invite(w.ctx, w.as(person), w.cmd(person), job, team, people)
	return it.ID, err
}

// talking brings a handshake to negotiation, agreed and signed further.
func (w *world) talking(id, boss, chair string) {
	w.t.Helper()
	w.must(w.yes(boss, id))
	w.must(w.yes(chair, id))
	w.state(id, Negotiating)
}

func (w *world) agreed(id, boss, chair string) {
	w.t.Helper()
	w.talking(id, boss, chair)
	w.must(w.accept(boss, id))
	w.must(w.accept(chair, id))
	w.state(id, Agreed)
}

func (w *world) signed(id, boss, chair string) {
	w.t.Helper()
	w.agreed(id, boss, chair)
	w.must(w.sign(boss, id, Employer))
	w.must(w.sign(chair, id, Owner))
	w.state(id, Signed)
}

// blamed gives the field that a refusal names.
func blamed(err error) string {
	if f := fault.All(err); len(f) > 0 {
		return f[0].Field
	}
	return ""
}

// trail lists what happened to a handshake, in order.
func (w *world) trail(id string) []string {
	w.t.Helper()
	var acts []string
	w.must(w.handshakes.trail(w.ctx, id, func(_ time.Time, rec store.AuditRecord) { acts = append(acts, rec.Act) }))
	return acts
}

// rev gives a handshake's revision.
func (w *world) rev(id string) int64 {
	w.t.Helper()
	it, err := w.handshakes.c.Get(w.ctx, id)
	w.must(err)
	return it.Rev
}
