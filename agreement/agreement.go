package agreement

import (
	"context"
	"slices"
	"time"

	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

// Agreement (劳务服务协议) is a contract that both sides have signed and the house
// has countersigned. It is written once. How the work goes on is the handshake's.
type Agreement struct {
	Handshake        string           `json:"handshake"`
	Market           string           `json:"market"`
	Job              string           `json:"job"`
	Team             string           `json:"team"`
	Employer         string           `json:"employer"` // party id
	Owner            string           `json:"owner"`    // party id
	Payload          string           `json:"payload"`  // the contract's canonical bytes; see [ParseContract]
	Signatures       []Signature      `json:"signatures"`
	Countersignature Countersignature `json:"countersignature"`
	SignedAt         time.Time        `json:"signed_at"` // when the second signature was received
}

// Signature is one side's, with the statement on its key as it was then.
type Signature struct {
	Role      matching.Role `json:"role"`
	Party     string        `json:"party"`
	Person    string        `json:"person"`
	Protected string        `json:"protected"`
	Signature string        `json:"signature"`
	At        time.Time     `json:"at"` // when the house received it
	Binding   Binding       `json:"binding"`
}

// Contract gives the contract that was signed.
func (a *Agreement) Contract() (Contract, error) { return ParseContract([]byte(a.Payload)) }

// ID gives the id of a handshake's agreement: it has at most one.
func ID(handshake string) string { return store.DeriveID("a", handshake) }

// Feed names the feed of a market's agreements; its entries refer to one, and are
// of kind "agreement.signed".
func Feed(county string) string { return "feed/agreements/" + county }

// kindSigned is what feeds and inboxes are told of a new agreement.
const kindSigned = "agreement.signed"

// News is the body of what inboxes are told of an agreement.
type News struct {
	Agreement string `json:"agreement"`
	Handshake string `json:"handshake"`
	Job       string `json:"job"`
	Team      string `json:"team"`
}

// book is what this room can do with agreements: make one, and read. That none is
// ever changed or removed is a matter of type.
type book interface {
	Create(ctx context.Context, id string, cmd store.Command, fill func(*Agreement) ([]store.Entry, error)) (store.Item[Agreement], error)
	Get(ctx context.Context, id string) (store.Item[Agreement], error)
	Find(ctx context.Context, r store.Range) (store.Page[Agreement], error)
	Each(ctx context.Context, r store.Range, fn func(store.Item[Agreement]) error) error
	store.Checked
}

var _ book = (*store.Collection[Agreement])(nil)

func agreementSpec() store.Spec[Agreement] {
	return store.Spec[Agreement]{Name: "agreements", Indexes: []store.Index[Agreement]{
		{Name: "party", Version: 1, Keys: func(_ string, a *Agreement) []store.Key {
			return slices.Compact([]store.Key{store.K(a.Employer, a.SignedAt), store.K(a.Owner, a.SignedAt)})
		}},
	}}
}

// visible reports whether a caller may see the agreement: the two parties' people,
// the operators of its market, auditors.
func visible(a *Agreement, by market.Caller) bool {
	return by.ActsFor(a.Employer) || by.ActsFor(a.Owner) || by.Reads(a.Market)
}
