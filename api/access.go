package api

import (
	"context"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
)

// Access says who may call a route at all. Whose documents a caller may see or
// change is decided by the room, on the document.
type Access string

// The kinds of access.
const (
	Anyone   Access = "anyone"   // also without signing in
	Person   Access = "person"   // signed in
	Party    Access = "party"    // signed in, and acts for at least one party
	Operator Access = "operator" // operates at least one market
	Reader   Access = "reader"   // an operator or an auditor
	Auditor  Access = "auditor"
	Admin    Access = "admin"
)

// visitor is who makes a request.
type visitor struct {
	principal identity.Principal
	caller    market.Caller
	signedIn  bool
	key       string // the Idempotency-Key, made the caller's own; empty if none was sent
	sum       string // SHA-256 of method, path and body
	address   string
	makes     bool  // whether the route makes something; set by its door
	rev       int64 // from If-Match; 0 if none was sent
}

type visitorKey struct{}

// visitorOf gives who makes the request; nobody in particular for one that did
// not come through the door.
func visitorOf(ctx context.Context) *visitor {
	v, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return &visitor{}
	}
	return v
}

// allow refuses a visitor whom a route is not for.
func (a Access) allow(v *visitor) error {
	if a == Anyone {
		return nil
	}
	if !v.signedIn {
		return fault.New(fault.Unauthenticated, "you are not signed in").WithFix("sign in at /v1/sign-in and send the access token as Authorization: Bearer")
	}
	c := v.caller
	ok := map[Access]bool{
		Person:   true,
		Party:    len(c.Parties) > 0,
		Operator: len(c.Operates) > 0,
		Reader:   len(c.Operates) > 0 || c.Auditor,
		Auditor:  c.Auditor,
		Admin:    c.Admin,
	}[a]
	if !ok {
		return fault.New(fault.Forbidden, "this is not open to you").WithFix(needs(a))
	}
	return nil
}

// needs says what a visitor lacks.
func needs(a Access) string {
	switch a {
	case Party:
		return "register a party at /v1/parties first, or have one admit you"
	case Operator:
		return "only operators of a market may do this"
	case Reader:
		return "only operators of a market and auditors may read this"
	case Auditor:
		return "only auditors may read this"
	case Admin:
		return "only an admin may do this"
	case Anyone, Person:
	}
	return ""
}
