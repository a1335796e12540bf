package market

import (
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Caller is who asks, with all that decides what they may do. It is made for
// each request from the documents as they are.
type Caller struct {
	Person   string
	Session  string
	Admin    bool
	Auditor  bool
	Parties  map[string]PartyKind // the parties that the person acts for
	Operates map[string]bool      // the markets that the person operates
}

// ActsFor reports whether the caller acts for the party.
func (c Caller) ActsFor(party string) bool { _, ok := c.Parties[party]; return ok && party != "" }

// Reads reports whether the caller's office lets them read all of a market:
// its operators, and auditors.
func (c Caller) Reads(market string) bool { return c.Auditor || c.Operates[market] }

// mustActFor refuses a caller who does not act for the party. What is not theirs
// to know of is "not found".
func (c Caller) mustActFor(party string) error {
	if !c.ActsFor(party) {
		return store.ErrNotFound
	}
	return nil
}

// mustOperate refuses a caller who does not operate the market.
func (c Caller) mustOperate(market string) error {
	if !c.Operates[market] {
		return fault.New(fault.Forbidden, "only an operator of this market may do this")
	}
	return nil
}

// Command gives the command of the caller's act.
func (c Caller) Command(id string, now time.Time) store.Command {
	return store.Command{ID: id, Actor: c.Person, From: c.Session, At: now}
}
