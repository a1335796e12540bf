package matching

import (
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/notify"
	"hezuo/store"
)

// Handshake (点对点对接) is one employer and one team's owner about one job. All that
// decides stands here; every change is one of its methods.
type Handshake struct {
	Market   string                `json:"market"` // the job's
	Job      string                `json:"job"`
	Team     string                `json:"team"`
	Origin   Origin                `json:"origin"`
	Tier     int                   `json:"tier"`
	People   int                   `json:"people"`
	Period   market.Period         `json:"period"`
	Limits   Limits                `json:"limits"`
	Timing   market.OfferDeadlines `json:"timing"`
	State    State                 `json:"state"`
	Shown    bool                  `json:"shown,omitempty"` // the job has admitted it: both sides may know of it
	Employer Side                  `json:"employer"`
	Owner    Side                  `json:"owner"`
	Asked    int                   `json:"asked,omitempty"` // how often the team was asked to hold, and the job for places
	Holding  bool                  `json:"holding,omitempty"`
	Void     string                `json:"void,omitempty"` // why the newest yes, or acceptance, came to nothing
	Proposed []Proposal            `json:"proposed,omitempty"`
	Claiming bool                  `json:"claiming,omitempty"`
	Contract string                `json:"contract,omitempty"` // the canonical bytes that are signed
	Deadline time.Time             `json:"deadline,omitzero"`  // of the state it is in
	Stages   []Stage               `json:"stages,omitempty"`   // that it has come to since it was proposed
	Ending   *Ending               `json:"ending,omitempty"`
	Released bool                  `json:"released,omitempty"`
	Score    Score                 `json:"score"`
	Created  time.Time             `json:"created"`
}

// Stage is a state that a handshake has come to, with the deadline that cut off
// what could be done in it. It is kept: the deadline of a state that is past would
// otherwise be known to nobody.
type Stage struct {
	State State     `json:"state"`
	Until time.Time `json:"until"`
}

// Limits are what the job allows the terms.
type Limits struct {
	Trade     string         `json:"trade"`
	Headcount int            `json:"headcount"`
	Until     time.Time      `json:"until"` // the post's deadline
	Opening   market.JobPost `json:"opening"`
}

// Side is one party of a handshake.
type Side struct {
	Party    string      `json:"party"`
	People   []string    `json:"people"` // who act for it, to be told
	Yes      *Act        `json:"yes,omitempty"`
	Accepted *Acceptance `json:"accepted,omitempty"`
	Signed   *Signature  `json:"signed,omitempty"`
}

// Act is somebody's, at a time.
type Act struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Proposal is one revision of the terms.
type Proposal struct {
	Revision
	Terms market.Terms `json:"terms"`
}

// Revision names a proposal: what a log says of it. The terms themselves hold free
// text, and stand in the handshake alone.
type Revision struct {
	N    int    `json:"n"` // 1 for the opening terms
	Hash string `json:"hash"`
	Side Role   `json:"side,omitempty"` // none for the opening terms, which follow from the post
	Act
}

// Acceptance is a side's yes to the terms of a hash.
type Acceptance struct {
	Hash string `json:"hash"`
	Act
}

// Signature is a side's signature under the contract.
type Signature struct {
	Protected string `json:"protected"` // JWS protected header, base64url
	Signature string `json:"signature"` // base64url
	Key       string `json:"key"`       // thumbprint of the device key
	Act
}

// Ending says how a handshake ended.
type Ending struct {
	State  State     `json:"state"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	Side   Role      `json:"side,omitempty"` // which side ended it; none: a deadline, or the house
	At     time.Time `json:"at"`
}

// errUnfinished says that a step is under way; whoever meets it takes the step
// and tries again.
var errUnfinished = fault.New(fault.Unavailable, "the step before is not finished").WithFix("try again at once")

// enter brings the handshake to its next state, with the deadline that it has there.
func (h *Handshake) enter(s State, deadline time.Time) {
	h.State, h.Deadline = s, deadline.UTC()
	h.Stages = append(h.Stages, Stage{s, h.Deadline})
}

// reached reports whether the handshake is, or was, in a state of its life after
// the proposal.
func (h *Handshake) reached(s State) bool {
	return slices.ContainsFunc(h.Stages, func(past Stage) bool { return past.State == s })
}

// side gives one party's side.
func (h *Handshake) side(r Role) *Side {
	if r == Employer {
		return &h.Employer
	}
	return &h.Owner
}

// Roles gives the sides that the caller acts for: none, one, or both.
func (h *Handshake) Roles(c market.Caller) []Role {
	var out []Role
	if c.ActsFor(h.Employer.Party) {
		out = append(out, Employer)
	}
	if c.ActsFor(h.Owner.Party) {
		out = append(out, Owner)
	}
	return out
}

// Step gives what the handshake waits for from another document.
func (h *Handshake) Step() Step {
	switch {
	case h.State.Over():
		if h.Released {
			return StepNone
		}
		return StepRelease
	case h.State == Proposed:
		return StepAdmit
	case h.Holding:
		return StepHold
	case h.Claiming:
		return StepClaim
	}
	return StepNone
}

// Next gives the instant at which something falls due by itself; the zero time if
// nothing does, or while a step is unfinished.
func (h *Handshake) Next() time.Time {
	if h.Step() != StepNone || h.State.Over() {
		return time.Time{}
	}
	return h.Deadline
}

// Newest gives the newest revision of the terms; nil before there is one.
func (h *Handshake) Newest() *Proposal {
	if len(h.Proposed) == 0 {
		return nil
	}
	return &h.Proposed[len(h.Proposed)-1]
}

// Agreed gives the terms that both sides accepted; nil before.
func (h *Handshake) Agreed() *Proposal {
	e, o := h.Employer.Accepted, h.Owner.Accepted
	n := h.Newest()
	if n == nil || e == nil || o == nil || e.Hash != n.Hash || o.Hash != n.Hash {
		return nil
	}
	return n
}

// RoomLog names the log of a handshake's negotiation room (洽谈室). It begins when
// the handshake comes to negotiation and is sealed when it ends.
func RoomLog(handshake string) string { return "room/" + handshake }

// Feed names the feed of a market's handshakes; its entries refer to one.
func Feed(county string) string { return "feed/handshakes/" + county }

// says gives the entries of a change: the audit trail, the feed, both sides'
// inboxes and, once there is one, the room.
func (h *Handshake) says(id, act, why string, facts any) []store.Entry {
	entries := []store.Entry{store.Audit("handshake."+act, why, facts)}
	entries = append(entries, store.Entry{Log: Feed(h.Market), Kind: "handshake." + string(h.State)})
	body := News{Handshake: id, Job: h.Job, Team: h.Team, State: h.State, Deadline: h.Deadline, Reason: why}
	entries = notify.Tell(entries, h.everybody(), "handshake."+act, body)
	if len(h.Proposed) > 0 {
		e := store.Entry{Log: RoomLog(id), Kind: "handshake." + act, Seal: h.State.Over()}
		e.Body = mustJSON(RoomNews{News: body, Terms: h.revisionSaid(act)})
		entries = append(entries, e)
	}
	return entries
}

// The kinds of a room's entries that put terms forward.
const (
	KindTalk    = "handshake.talk" // the opening terms, which follow from the post
	KindPropose = "handshake.propose"
)

// revisionSaid names the proposal that an act put forward.
func (h *Handshake) revisionSaid(act string) *Revision {
	if kind := "handshake." + act; kind == KindTalk || kind == KindPropose {
		return &h.Newest().Revision
	}
	return nil
}

// News is the body of what inboxes are told of a handshake.
type News struct {
	Handshake string    `json:"handshake"`
	Job       string    `json:"job"`
	Team      string    `json:"team"`
	State     State     `json:"state"`
	Deadline  time.Time `json:"deadline,omitzero"`
	Reason    string    `json:"reason,omitempty"`
}

// RoomNews is the body of what a room is told of its handshake.
type RoomNews struct {
	News
	Terms *Revision `json:"terms,omitempty"` // the proposal that was put forward
}

// everybody lists the people of both sides, each once.
func (h *Handshake) everybody() []string {
	seen := map[string]bool{}
	var out []string
	for _, p := range append(append([]string{}, h.Employer.People...), h.Owner.People...) {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}
