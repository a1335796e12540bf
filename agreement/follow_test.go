package agreement

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hezuo/matching"
	"hezuo/store"
)

// However often, and from wherever, the feed is read, there is one agreement and
// everybody is told once.
func TestFollowersAreIdempotent(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.signed(s)
	nodes := []*Agreements{w.agreements, w.node("n2"), w.node("n3")}
	var group sync.WaitGroup
	for _, n := range nodes {
		for range 4 {
			group.Go(func() {
				for n1, records := 0, must(w.db.Read(t.Context(), matching.Feed(county), 0, 1000))(t); n1 < len(records); n1++ {
					if err := n.handle(t.Context(), records[n1]); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	w.follow(w.agreements)
	page := must(w.agreements.book.Find(t.Context(), store.Range{}))(t)
	if len(page.Items) != 1 || page.Items[0].ID != ID(id) || page.Items[0].Rev != 1 {
		t.Errorf("agreements %+v", page.Items)
	}
	told := 0
	for _, r := range must(w.db.Read(t.Context(), "inbox/"+s.owner.ID, 0, 1000))(t) {
		if r.Kind == kindSigned {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	w.check()
}

// Run makes the agreement soon after it was signed, on several nodes at once, and
// leaves nothing running.
func TestRun(t *testing.T) {
	w := newWorld(t)
	before := goleak.IgnoreCurrent()
	s := w.sides()
	wake, stop := w.bus.Listen(Feed(county))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, n := range []*Agreements{w.agreements, w.node("n2")} {
		group.Go(func() {
			n.Run(ctx, w.cursors, w.bus)
		})
	}
	id := w.signed(s)
	select {
	case <-wake:
	case <-time.After(30 * time.Second):
		t.Error("no agreement was made")
	}
	stop()
	must(w.agreements.ByHandshake(t.Context(), s.owner.caller(), id))(t)
	cancel()
	group.Wait()
	w.check()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

// A process that dies between the agreement and its cursor does the record again.
func TestCursorLost(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.signed(s)
	if err := w.agreements.conclude(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.check()
	w.follow(w.node("n2"))
	w.check()
}

// A handshake that is signed by one side only makes no agreement.
func TestHalfSigned(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.agreed(s)
	w.sign(id, matching.Owner, s.owner)
	w.follow(w.agreements)
	if err := w.agreements.conclude(t.Context(), id); err == nil {
		t.Error("an agreement was made of one signature")
	}
	if _, err := w.agreements.book.Get(t.Context(), ID(id)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("there is an agreement: %v", err)
	}
	w.check()
}
