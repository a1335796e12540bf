package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hezuo/store"
)

// contextBefore calls everything with a context that has ended: its error comes
// back alone, and nothing was done.
func contextBefore(s *suite) {
	c := s.things()
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	calls := map[string]func() error{
		"get":    func() error { _, err := s.db.Get(ctx, "things", "a"); return err },
		"find":   func() error { _, err := c.Find(ctx, store.Range{Index: "group"}); return err },
		"create": func() error { _, err := c.Create(ctx, "a", command("c"), set(thing{})); return err },
		"write": func() error {
			return s.db.Write(ctx, store.Write{Collection: "things", ID: "a", Doc: &store.Document{Collection: "things", ID: "a", Rev: 1, Body: []byte(`{}`)}})
		},
		"append": func() error { _, err := s.db.Append(ctx, entry("feed/a", "1")); return err },
		"read":   func() error { _, err := s.db.Read(ctx, "feed/a", 0, 1); return err },
		"logs":   func() error { _, err := s.db.Logs(ctx, "", "", 1); return err },
		"ready":  func() error { return s.db.Ready(ctx) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
			s.Errorf("%s: %v", name, err)
		}
	}
	nothing(s)
}

// contextDuring writes under contexts that end at any moment. What was answered
// without an error is there; what was answered with the context's error alone is
// not, and never comes; the rest may be.
func contextDuring(s *suite) {
	c := s.things()
	const workers = 8
	rounds := count(60, 400)
	var mu sync.Mutex
	outcome := map[string]error{}
	parallel(workers, func(w int) {
		for i := range rounds {
			id := fmt.Sprintf("%d-%d", w, i)
			ctx, cancel := context.WithTimeout(s.ctx(), time.Duration(rand.N(int64(3*time.Millisecond))))
			_, err := c.Create(ctx, id, command("c"), set(thing{Group: "g", Code: id}, store.Entry{Log: "feed/" + id, Kind: "k"}))
			if i%3 == 0 {
				_, err2 := s.db.Append(ctx, entry("log", id))
				mu.Lock()
				outcome["log "+id] = err2
				mu.Unlock()
			}
			cancel()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				s.Errorf("create: %v", err)
			}
			mu.Lock()
			outcome[id] = err
			mu.Unlock()
		}
	})
	s.reopen()
	c = s.things()
	logged := map[string]bool{}
	for _, r := range everything(s, "log") {
		logged["log "+r.ID] = true
	}
	var acknowledged, refused, unknown int
	for id, err := range outcome {
		there := logged[id]
		if id[:3] != "log" {
			_, got := c.Get(s.ctx(), id)
			there = got == nil
			if there != (len(everything(s, "feed/"+id)) == 1) || there != (byCode(s, c, id) == id) {
				s.Errorf("%s is half written", id)
			}
		}
		switch {
		case err == nil:
			acknowledged++
			if !there {
				s.Errorf("%s was acknowledged and is not there", id)
			}
		case errors.Is(err, store.ErrUnknown):
			unknown++
		default:
			refused++
			if there {
				s.Errorf("%s is there, after %v", id, err)
			}
		}
	}
	s.Logf("%d acknowledged, %d not done, %d unknown", acknowledged, refused, unknown)
}
