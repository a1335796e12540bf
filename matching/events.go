package matching

import (
	"encoding/json"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// ready refuses an act in a state where it cannot be, while a step is unfinished,
// and after the deadline that cuts it off. states are those in which it can be.
func (h *Handshake) ready(act string, now time.Time, states ...State) error {
	if h.State.Over() {
		return fault.New(fault.Gone, "the handshake has ended: it was %s", h.State)
	}
	if h.Step() != StepNone {
		return errUnfinished
	}
	for _, s := range states {
		if h.State != s {
			continue
		}
		if !h.Deadline.IsZero() && !now.Before(h.Deadline) && h.State != Signed && h.State != Working {
			return fault.New(fault.Gone, "the time to %s was over at %s", act, h.Deadline.In(market.Shanghai).Format(time.RFC3339))
		}
		return nil
	}
	return fault.New(fault.Conflict, "a handshake that is %s does not let you %s", h.State, act)
}

// Yes is a side's yes to an offer. The owner's is first an intent: the team must
// hold the people. A second yes is a no-op.
func (h *Handshake) Yes(id string, r Role, by string, now time.Time) ([]store.Entry, error) {
	if h.side(r).Yes != nil && h.State != Proposed {
		return nil, nil
	}
	if err := h.ready("say yes", now, Offered); err != nil {
		return nil, err
	}
	if r == Owner {
		h.ask(&h.Holding)
		h.Owner.Yes = &Act{by, now.UTC()}
		return []store.Entry{store.Audit("handshake.ask_hold", "", nil)}, nil
	}
	h.Employer.Yes = &Act{by, now.UTC()}
	return h.agreedToTalk(id, "yes", now), nil
}

// ask begins a step in which a team, or a team and a job, are asked something.
func (h *Handshake) ask(step *bool) {
	h.Asked++
	h.Void, *step = "", true
}

// Held records that the team holds the people, or why it does not: then the
// owner's yes is void, and an application ends.
func (h *Handshake) Held(id string, why error, now time.Time) ([]store.Entry, error) {
	if h.Step() != StepHold {
		return nil, nil
	}
	h.Holding = false
	if why == nil {
		return h.agreedToTalk(id, "held", now), nil
	}
	h.Owner.Yes, h.Void = nil, public(why)
	if h.Origin == Application {
		return h.end(id, Withdrawn, "withdraw", h.Void, house, "", now), nil
	}
	return []store.Entry{store.Audit("handshake.not_held", h.Void, nil)}, nil
}

// house is who does what follows from what others did.
const house = "system:matching"

// agreedToTalk opens the negotiation once both sides have said yes. There is time
// for it until the last day of work is over, at most.
func (h *Handshake) agreedToTalk(id, act string, now time.Time) []store.Entry {
	if h.Employer.Yes == nil || h.Owner.Yes == nil {
		return h.says(id, act, "", nil)
	}
	opening := h.Limits.Opening.Terms(h.People)
	hash, err := opening.Hash()
	if err != nil {
		panic("matching: " + err.Error()) // a defect: the terms of a valid post have a canonical form
	}
	h.enter(Negotiating, earlier(now.Add(time.Duration(h.Timing.TalkMinutes)*time.Minute), h.Period.End()))
	h.Proposed = []Proposal{{Revision{N: 1, Hash: hash, Act: Act{house, now.UTC()}}, opening}}
	return h.says(id, "talk", "", map[string]string{"terms": hash})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Admitted records that the job admits the handshake, or why it does not.
func (h *Handshake) Admitted(id string, why error, now time.Time) ([]store.Entry, error) {
	if h.Step() != StepAdmit {
		return nil, nil
	}
	if why != nil {
		return h.end(id, Withdrawn, "not_admitted", public(why), house, "", now), nil
	}
	h.Shown = true
	h.enter(Offered, earlier(now.Add(time.Duration(h.Timing.OfferMinutes)*time.Minute), h.Limits.Until))
	if h.Origin == Application {
		h.ask(&h.Holding)
	}
	return h.says(id, "offer", "", h.Score), nil
}

// Decline is a side's no to an offer, with a reason.
func (h *Handshake) Decline(id string, r Role, by, reason string, now time.Time) ([]store.Entry, error) {
	if h.State == Declined {
		return nil, nil
	}
	if err := h.ready("decline", now, Offered); err != nil {
		return nil, err
	}
	if h.side(r).Yes != nil {
		return h.withdraw(id, r, by, reason, now)
	}
	if err := market.CheckReason(reason); err != nil {
		return nil, err
	}
	return h.end(id, Declined, "decline", reason, by, r, now), nil
}

// Withdraw takes back what is not signed, with a reason. What is agreed is
// refused, not withdrawn.
func (h *Handshake) Withdraw(id string, r Role, by, reason string, now time.Time) ([]store.Entry, error) {
	if h.State == Withdrawn {
		return nil, nil
	}
	if err := h.ready("withdraw", now, Offered, Negotiating); err != nil {
		return nil, err
	}
	return h.withdraw(id, r, by, reason, now)
}

func (h *Handshake) withdraw(id string, r Role, by, reason string, now time.Time) ([]store.Entry, error) {
	if err := market.CheckReason(reason); err != nil {
		return nil, err
	}
	return h.end(id, Withdrawn, "withdraw", reason, by, r, now), nil
}

// Overtake ends what others were faster than.
func (h *Handshake) Overtake(id, reason string, now time.Time) ([]store.Entry, error) {
	if err := h.ready("be overtaken", now, Offered, Negotiating); err != nil {
		return nil, err
	}
	return h.end(id, Overtaken, "overtake", reason, house, "", now), nil
}

// maxProposals bounds the revisions of a handshake's terms.
const maxProposals = 100

// Propose puts forward new terms, whole. The proposer accepts them by proposing;
// what the other side had accepted before is void.
// after is the hash of the terms that they answer: a proposal that crosses a newer
// one is refused.
func (h *Handshake) Propose(id string, r Role, by, after string, t market.Terms, now time.Time) ([]store.Entry, error) {
	if err := h.ready("propose terms", now, Negotiating); err != nil {
		return nil, err
	}
	if err := h.checkTerms(t, now); err != nil {
		return nil, err
	}
	hash, err := t.Hash()
	if err != nil {
		return nil, err
	}
	newest := h.Newest()
	if newest.Hash == hash {
		return h.accept(id, r, by, hash, now)
	}
	if newest.Hash != after {
		return nil, h.newer()
	}
	if len(h.Proposed) >= maxProposals {
		return nil, fault.New(fault.TooMany, "the terms have been changed %d times", maxProposals).WithFix("accept them, or withdraw and begin anew")
	}
	h.Proposed = append(h.Proposed, Proposal{Revision{newest.N + 1, hash, r, Act{by, now.UTC()}}, t})
	// What the other side had accepted is not what is proposed now, and would come
	// to life again, without a word of theirs, with the same terms proposed again.
	h.side(r).Accepted, h.side(r.Other()).Accepted = &Acceptance{hash, Act{by, now.UTC()}}, nil
	return h.says(id, "propose", "", map[string]any{"n": newest.N + 1, "terms": hash}), nil
}

func (h *Handshake) newer() error {
	return fault.New(fault.Stale, "there are newer terms: revision %d", h.Newest().N).WithFix("read them, then accept or answer them")
}

// checkTerms keeps terms within what the job was posted as, and the days to come.
func (h *Handshake) checkTerms(t market.Terms, now time.Time) error {
	if err := t.Validate("terms"); err != nil {
		return err
	}
	switch {
	case t.Trade != h.Limits.Trade:
		return fault.Field("terms.trade", "the job was posted for another trade", "keep the trade; a new job is posted for a new one")
	case !h.Period.Covers(t.Period):
		return fault.Field("terms.period", "the days are outside those of the job", "keep within "+string(h.Period.From)+" to "+string(h.Period.To))
	case !now.Before(t.Period.End()):
		return fault.Field("terms.period.to", "these days are over", "name days to come")
	case t.People > h.Limits.Headcount:
		return fault.Field("terms.people", "the job was posted for fewer people", "keep within its headcount")
	}
	return nil
}

// Accept is a side's yes to the terms of a hash. When both have accepted the same,
// the job is to give its places.
func (h *Handshake) Accept(id string, r Role, by, hash string, now time.Time) ([]store.Entry, error) {
	if a := h.side(r).Accepted; a != nil && a.Hash == hash && h.Newest().Hash == hash {
		return nil, nil
	}
	if err := h.ready("accept terms", now, Negotiating); err != nil {
		return nil, err
	}
	if h.Newest().Hash != hash {
		return nil, h.newer()
	}
	return h.accept(id, r, by, hash, now)
}

func (h *Handshake) accept(id string, r Role, by, hash string, now time.Time) ([]store.Entry, error) {
	if a := h.side(r).Accepted; a != nil && a.Hash == hash {
		return nil, nil
	}
	if !now.Before(h.Newest().Terms.Period.End()) {
		return nil, fault.New(fault.Conflict, "the days of these terms are over").WithFix("propose days to come")
	}
	h.side(r).Accepted = &Acceptance{hash, Act{by, now.UTC()}}
	if h.Agreed() != nil {
		h.ask(&h.Claiming)
	}
	return h.says(id, "accept", "", map[string]any{"side": r, "terms": hash}), nil
}

// Claimed records that the team and the job have what was agreed, with the
// contract to be signed; or why not: the places are gone, or the people are.
func (h *Handshake) Claimed(id, contract string, why error, now time.Time) ([]store.Entry, error) {
	if h.Step() != StepClaim {
		return nil, nil
	}
	h.Claiming = false
	if why != nil {
		return h.end(id, Overtaken, "overtake", public(why), house, "", now), nil
	}
	terms := h.Agreed().Terms
	h.Contract, h.People = contract, terms.People
	h.enter(Agreed, earlier(now.Add(time.Duration(h.Timing.SignMinutes)*time.Minute), terms.Period.End()))
	return h.says(id, "agree", "", map[string]string{"terms": h.Agreed().Hash}), nil
}

// Undraftable records that no contract can be made of what was agreed, and never
// will: the handshake ends.
func (h *Handshake) Undraftable(id string, why error, now time.Time) ([]store.Entry, error) {
	if h.Step() != StepClaim {
		return nil, nil
	}
	h.Claiming = false
	return h.end(id, Withdrawn, "withdraw", public(why), house, "", now), nil
}

// Unclaimable records that the team cannot send what was agreed: the acceptances
// are void, and the sides talk on.
func (h *Handshake) Unclaimable(id string, why error, now time.Time) ([]store.Entry, error) {
	if h.Step() != StepClaim {
		return nil, nil
	}
	h.Claiming, h.Void = false, public(why)
	h.Employer.Accepted, h.Owner.Accepted = nil, nil
	if !now.Before(h.Deadline) {
		return h.end(id, Expired, "expire", h.Void, house, "", now), nil
	}
	return h.says(id, "not_held", h.Void, nil), nil
}

// Sign records a side's signature under the contract, which the caller has
// verified. When both have signed, both are bound.
func (h *Handshake) Sign(id string, r Role, s Signature, now time.Time) ([]store.Entry, error) {
	if h.side(r).Signed != nil {
		return nil, nil
	}
	if err := h.ready("sign", now, Agreed); err != nil {
		return nil, err
	}
	if o := h.side(r.Other()).Signed; o != nil && o.By == s.By {
		return nil, fault.New(fault.Forbidden, "one person does not sign for both sides").WithFix("have another person who acts for this side sign (民法典 art 168)")
	}
	s.At = now.UTC()
	h.side(r).Signed = &s
	if h.Employer.Signed != nil && h.Owner.Signed != nil {
		h.enter(Signed, h.Agreed().Terms.Period.Start())
	}
	return h.says(id, "sign", "", map[string]any{"side": r, "key": s.Key}), nil
}

// RefuseToSign ends what is agreed and not yet signed by both, with a reason.
func (h *Handshake) RefuseToSign(id string, r Role, by, reason string, now time.Time) ([]store.Entry, error) {
	if h.State == Refused {
		return nil, nil
	}
	if err := h.ready("refuse to sign", now, Agreed); err != nil {
		return nil, err
	}
	if err := market.CheckReason(reason); err != nil {
		return nil, err
	}
	return h.end(id, Refused, "refuse", reason, by, r, now), nil
}

// BreakOff ends what is signed, before its time, with a reason. The signed
// agreement stays as it is.
func (h *Handshake) BreakOff(id string, r Role, by, reason string, now time.Time) ([]store.Entry, error) {
	if h.State == BrokenOff {
		return nil, nil
	}
	if err := h.ready("break it off", now, Signed, Working); err != nil {
		return nil, err
	}
	if err := market.CheckReason(reason); err != nil {
		return nil, err
	}
	return h.end(id, BrokenOff, "break_off", reason, by, r, now), nil
}

// Settle does what has fallen due: an offer, a talk, a signing that ran out; the
// first day of work; the day after the last. It does nothing when nothing is due.
func (h *Handshake) Settle(id string, now time.Time) ([]store.Entry, error) {
	next := h.Next()
	if next.IsZero() || now.Before(next) {
		return nil, nil
	}
	const settler = "system:settler"
	switch h.State {
	case Offered:
		return h.end(id, Expired, "expire", "nobody said yes in time", settler, "", now), nil
	case Negotiating:
		return h.end(id, Expired, "expire", "no terms were agreed in time", settler, "", now), nil
	case Agreed:
		return h.end(id, Expired, "expire", "it was not signed in time", settler, "", now), nil
	case Signed:
		h.enter(Working, h.Agreed().Terms.Period.End())
		return h.says(id, "start", "", nil), nil
	case Working:
		return h.end(id, Done, "finish", "the last day is over", settler, "", now), nil
	case Proposed, Done, Declined, Withdrawn, Expired, Overtaken, Refused, BrokenOff:
	}
	return nil, nil
}

// end brings the handshake to an end. Team and job are then to let it go.
func (h *Handshake) end(id string, s State, act, reason, by string, side Role, now time.Time) []store.Entry {
	h.State, h.Deadline = s, time.Time{}
	h.Ending = &Ending{State: s, Reason: reason, By: by, Side: side, At: now.UTC()}
	if h.Shown {
		return h.says(id, act, reason, nil)
	}
	return []store.Entry{
		store.Audit("handshake."+act, reason, nil),
		{Log: Feed(h.Market), Kind: "handshake." + string(s)},
	}
}

// LetGo records that team and job have let the ended handshake go.
func (h *Handshake) LetGo(now time.Time) ([]store.Entry, error) {
	if h.Step() != StepRelease {
		return nil, nil
	}
	h.Released = true
	return []store.Entry{
		store.Audit("handshake.released", "", nil),
		{Log: Feed(h.Market), Kind: "handshake.released"},
	}, nil
}

// public gives the words of a refusal that people may read.
func public(err error) string {
	if f := fault.All(err); len(f) > 0 {
		return f[0].Message
	}
	return "it could not be done"
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("matching: " + err.Error()) // a defect: what is said are plain values
	}
	return b
}
