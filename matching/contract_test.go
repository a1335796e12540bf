package matching

import (
	"context"
	"sync"
	"time"

	"pgregory.net/rapid"

	"hezuo/fault"
)

// fakeContract signs nothing, and checks what it is given.
type fakeContract struct {
	t      rapid.TB
	mu     sync.Mutex
	refuse error // what Draft answers
	drafts int
}

func (c *fakeContract) text(id string, p *Proposal) string { return "contract/" + id + "/" + p.Hash }

func (c *fakeContract) Draft(_ context.Context, id string, h *Handshake) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drafts++
	p := h.Agreed()
	if p == nil || h.State != Negotiating || !h.Claiming {
		c.t.Errorf("a contract is drafted of a handshake that is %s, claiming %v", h.State, h.Claiming)
		return "", fault.New(fault.Internal, "nothing is agreed on")
	}
	if c.refuse != nil {
		return "", c.refuse
	}
	return c.text(id, p), nil
}

func (c *fakeContract) Verify(_ context.Context, id string, h *Handshake, r Role, person, protected, signature string, now time.Time) (Signature, error) {
	if p := h.Agreed(); p == nil || h.Contract != c.text(id, p) {
		c.t.Errorf("a signature is verified under another contract than was drafted")
	}
	if protected != "header" || signature != "signed by "+string(r) {
		return Signature{}, fault.Field("signature", "this is no signature", "sign the contract")
	}
	return Signature{Protected: protected, Signature: signature, Key: "key of " + person, Act: Act{By: person, At: now}}, nil
}

// signature is what the fake contract takes for one.
func signature(r Role) Event {
	return Event{As: r, Protected: "header", Signature: "signed by " + string(r)}
}

// reason is an event that gives one.
func reason(text string) Event { return Event{Reason: text} }
