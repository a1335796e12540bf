package market

import (
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Hold promises people to a handshake, or changes the promise. What is promised
// can always be made fewer people or days, whatever the team says of itself
// since. Errors, all [fault.Conflict]: the handshake has ended, the team is not on
// the market, too few are free, the group is too small.
func (t *Team) Hold(handshake string, people int, p Period) ([]store.Entry, error) {
	old := t.Holds[handshake]
	held := old.People > 0
	if held && !old.Over && old.People == people && old.Period == p {
		return nil, nil
	}
	within := held && people <= old.People && old.Period.Covers(p)
	free := t.Available(p, handshake)
	switch {
	case old.Over:
		return nil, fault.New(fault.Conflict, "the handshake has ended for this team")
	case t.State != TeamOpen && !held:
		return nil, fault.New(fault.Conflict, "the team is not on the market").WithFix("put it on the market first")
	case people > free && !within:
		return nil, fault.New(fault.Conflict, "only %d of the team are free on all days from %s to %s", free, p.From, p.To).WithFix("free people first, or say yes for fewer")
	case people < t.Post.Smallest:
		return nil, fault.New(fault.Conflict, "the team sends no fewer than %d", t.Post.Smallest).WithFix("lower the smallest group, or say yes for more")
	}
	old.People, old.Period = people, p
	entries := t.keep("team.hold", "", handshake, old)
	if within && t.State == TeamOpen {
		entries = append(entries, t.feed("team.freed"))
	}
	return entries, nil
}

// keep sets what the team remembers of a handshake, and gives the audit entry.
func (t *Team) keep(act, why, handshake string, h Hold) []store.Entry {
	if t.Holds == nil {
		t.Holds = map[string]Hold{}
	}
	t.Holds[handshake] = h
	return []store.Entry{store.Audit(act, why, map[string]any{"handshake": handshake, "hold": h})}
}

// Ask answers a handshake's n-th request to hold people, by the rule of
// [Team.Hold]. A refusal is written too: each request has one answer for ever,
// which [Team.Said] gives, so that of two who take the same step none can be told
// otherwise, however late they are. Requests that were answered, or came after a
// newer one, change nothing.
func (t *Team) Ask(handshake string, n, people int, p Period) []store.Entry {
	old, known := t.Holds[handshake]
	if old.Over || n <= old.Asked {
		return nil
	}
	entries, err := t.Hold(handshake, people, p)
	h := t.Holds[handshake]
	h.Asked, h.Refused = n, said(err)
	if err != nil && !known {
		h.Period = p
	}
	if err != nil {
		return t.keep("team.refuse_hold", h.Refused, handshake, h)
	}
	return append(t.keep("team.hold", "", handshake, h), others(entries)...)
}

// Said gives the answer to a handshake's n-th request: nil if the people are held.
// Errors: a [fault.Conflict] with the words of the refusal.
func (t *Team) Said(handshake string, n int) error {
	h := t.Holds[handshake]
	return answered(h.Over, h.Asked, n, h.Refused)
}

// Release ends the promise to a handshake that has ended, whether or not one was
// made: from now on none can be. Marks of days past are dropped.
func (t *Team) Release(handshake string, p Period, now time.Time) ([]store.Entry, error) {
	old, known := t.Holds[handshake]
	if old.Over {
		return nil, nil
	}
	if !known {
		old.Period = p
	}
	old.Over = true
	entries := t.keep("team.release", "", handshake, old)
	for id, h := range t.Holds {
		if h.Over && h.Period.To < DateOf(now).Add(-1) {
			delete(t.Holds, id)
		}
	}
	if old.People > 0 && t.State == TeamOpen {
		entries = append(entries, t.feed("team.freed"))
	}
	return entries, nil
}

// answered gives the answer to the n-th of a handshake's requests, of which the
// newest that was answered is asked.
func answered(over bool, asked, n int, refused string) error {
	switch {
	case over || asked > n:
		return fault.New(fault.Conflict, "the handshake has gone on since")
	case asked < n:
		return fault.New(fault.Internal, "request %d of a handshake was not answered, only %d", n, asked)
	case refused != "":
		return fault.New(fault.Conflict, "%s", refused)
	}
	return nil
}

// said gives the words of a refusal; nothing for none.
func said(err error) string {
	if err == nil {
		return ""
	}
	if f := fault.All(err); len(f) > 0 {
		return f[0].Message
	}
	return "it could not be done"
}

// others gives the entries that are not for the audit trail.
func others(entries []store.Entry) []store.Entry {
	var out []store.Entry
	for _, e := range entries {
		if e.Log != "" {
			out = append(out, e)
		}
	}
	return out
}
