package client

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"hezuo/realtime"
)

// InboxRoom is what a client calls its own inbox.
const InboxRoom = "inbox"

// room is a room as this socket has it. last belongs to the socket's goroutine.
type room struct {
	name  string
	take  func(realtime.Entry)
	over  func(error)
	last  int64
	ready chan error // gets a value when the room is caught up with, or refused
}

func (r *room) tell(err error) {
	select {
	case r.ready <- err:
	default: // it was told before
	}
}

func (r *room) end(err error) {
	r.tell(err)
	r.over(err)
}

// Join joins a room, or the inbox as [InboxRoom], and returns when it is caught up
// with. take gets each entry above since, once and in order; over is told why no
// more comes. Both are called on the socket's own goroutine and must not wait for
// it. Joining again replaces what was joined under the name.
func (s *Socket) Join(ctx context.Context, name string, since int64, take func(realtime.Entry), over func(error)) error {
	r := &room{name: name, take: take, over: over, last: since, ready: make(chan error, 1)}
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return s.err
	}
	s.rooms[name] = r
	connected := s.conn != nil
	s.mu.Unlock()
	if connected { // else the next connection joins it
		if err := s.enter(r, since); err != nil {
			return err
		}
	}
	select {
	case err := <-r.ready:
		return err
	case <-ctx.Done():
		s.forget(r)
		return ctx.Err()
	}
}

// forget drops a room, unless another has taken its name, and tells whether it was
// there.
func (s *Socket) forget(r *room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.rooms[r.name] == r
	if there {
		delete(s.rooms, r.name)
	}
	return there
}

// enter asks for a room's entries from a number on.
func (s *Socket) enter(r *room, since int64) error {
	_, err := s.send(realtime.Request{Do: realtime.DoJoin, Room: r.name, Since: &since}, r)
	return err
}

// joined takes the answer to a join.
func (s *Socket) joined(r *room, a reply) error {
	if a.err != nil {
		if s.forget(r) {
			r.end(a.err)
		}
		return nil
	}
	s.mu.Lock()
	current := s.rooms[r.name] == r
	s.mu.Unlock()
	if !current {
		return nil
	}
	var body struct {
		Entries []realtime.Entry `json:"entries"`
		More    bool             `json:"more"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		return err
	}
	for _, e := range body.Entries {
		r.have(e)
	}
	if body.More {
		return s.enter(r, r.last)
	}
	r.tell(nil)
	return nil
}

// pushed takes an entry that was pushed. If some before it are missing, it asks
// for them, and for this one with them.
func (s *Socket) pushed(r *room, e realtime.Entry) error {
	if e.N > r.last+1 {
		return s.enter(r, r.last)
	}
	r.have(e)
	return nil
}

// have hands on an entry that is new.
func (r *room) have(e realtime.Entry) {
	if e.N > r.last {
		r.last = e.N
		r.take(e)
	}
}

// Log collects a room's entries, and waits for one.
type Log struct {
	mu      sync.Mutex // guards what follows
	entries []realtime.Entry
	err     error
	grown   chan struct{} // closed, and made anew, when something changed
}

// Follow joins a room and collects its entries above since.
func (s *Socket) Follow(ctx context.Context, name string, since int64) (*Log, error) {
	l := &Log{grown: make(chan struct{})}
	return l, s.Join(ctx, name, since,
		func(e realtime.Entry) { l.change(func() { l.entries = append(l.entries, e) }) },
		func(err error) { l.change(func() { l.err = err }) })
}

func (l *Log) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.grown)
	l.grown = make(chan struct{})
}

// Entries gives what there is.
func (l *Log) Entries() []realtime.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Wait gives the first entry that matches, now or when it comes. Errors: ctx's, and
// why no more comes.
func (l *Log) Wait(ctx context.Context, match func(realtime.Entry) bool) (realtime.Entry, error) {
	for seen := 0; ; {
		l.mu.Lock()
		fresh, err, grown := slices.Clone(l.entries[seen:]), l.err, l.grown
		l.mu.Unlock()
		for _, e := range fresh {
			if match(e) {
				return e, nil
			}
		}
		if seen += len(fresh); err != nil {
			return realtime.Entry{}, err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return realtime.Entry{}, ctx.Err()
		}
	}
}
