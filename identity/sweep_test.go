package identity

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// left counts the documents of a collection.
func (w *world) left(collection string) (n int) {
	w.t.Helper()
	found, err := w.db.Find(w.ctx, store.Query{Collection: collection, Limit: 1000})
	w.must(err)
	for _, m := range found {
		if !m.Doc.Deleted {
			n++
		}
	}
	return n
}

func TestSweep(t *testing.T) {
	w := newWorld(t)
	ended, idle := w.principal(phoneA), w.signIn(phoneB)
	ticket, err := w.s.Ticket(w.ctx, ended, w.clock.Now())
	w.must(err)
	_, err = w.s.Redeem(w.ctx, ticket)
	w.must(err)
	w.must(w.s.SignOut(w.ctx, w.cmd(), ended))
	steps := []struct {
		move                            time.Duration
		swept, codes, tickets, sessions int
	}{
		{0, 0, 2, 1, 2},
		{CodeFor + time.Millisecond, 2, 0, 1, 2},
		{time.Hour, 1, 0, 0, 2},
		{sessionKeep, 1, 0, 0, 1}, // the one that was ended
		{60 * 24 * time.Hour, 1, 0, 0, 0},
		{time.Hour, 0, 0, 0, 0},
	}
	for i, step := range steps {
		w.clock.move(step.move)
		n, err := w.s.Sweep(w.ctx, w.clock.Now())
		w.must(err)
		if n != step.swept || w.left("codes") != step.codes || w.left("tickets") != step.tickets || w.left("sessions") != step.sessions {
			t.Errorf("step %d: swept %d, left %d codes, %d tickets, %d sessions", i, n, w.left("codes"), w.left("tickets"), w.left("sessions"))
		}
		w.check()
	}
	_, err = w.s.Refresh(w.ctx, w.cmd(), idle.Refresh, laptop)
	w.want(err, fault.Unauthenticated)
	if acts := w.trail("sessions", idle.Session); acts[len(acts)-1] != "session.forget" {
		t.Errorf("trail %v", acts)
	}
}

func TestSweepIsBounded(t *testing.T) {
	w := newWorld(t)
	for i := range sweepBatch + 5 {
		cmd := store.Command{ID: "code", Actor: "system:test", At: w.clock.Now()}
		_, err := w.s.codes.Put(w.ctx, codeID(string(rune('a'+i)), PurposeSignIn), cmd, func(d *codeDoc) ([]store.Entry, error) {
			d.Expires = w.clock.Now()
			return nil, nil
		})
		w.must(err)
	}
	w.clock.move(time.Second)
	for _, want := range []int{sweepBatch, 5, 0} {
		if n, err := w.s.Sweep(w.ctx, w.clock.Now()); n != want || err != nil {
			t.Errorf("swept %d, %v; want %d", n, err, want)
		}
	}
}

// A code that was renewed after it was found stays.
func TestSweepLeavesWhatWasRenewed(t *testing.T) {
	w := newWorld(t)
	w.code(phoneA)
	w.clock.move(time.Hour)
	found, err := sweep(w.ctx, w.s.codes, "expires", w.clock.Now(), w.clock.Now(), func(d *codeDoc) (time.Time, []store.Entry) {
		return w.clock.Now(), nil // as the newer one would say
	})
	w.must(err)
	if found != 0 || w.left("codes") != 1 {
		t.Errorf("swept %d", found)
	}
}
