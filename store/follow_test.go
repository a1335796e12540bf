package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hezuo/store"
)

// TestFollowerWaits looks at when a follower looks: when it is woken, when Poll
// has passed, and after an error when Retry has passed, woken or not.
func TestFollowerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := memory()
		cursors, err := store.OpenCursors(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var handled []string
		fail := false
		fails := func(yes bool) {
			mu.Lock()
			defer mu.Unlock()
			fail = yes
		}
		wake := make(chan struct{}, 1)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- cursors.Run(ctx, store.Follower{
				Name: "f", Log: "feed", Wake: wake, Poll: time.Minute, Retry: time.Second, Now: time.Now,
				Logger: slog.New(slog.DiscardHandler),
				Handle: func(_ context.Context, r store.Record) error {
					mu.Lock()
					defer mu.Unlock()
					if fail {
						return errors.New("not now")
					}
					handled = append(handled, fmt.Sprintf("%s at %v", r.ID, time.Since(began)))
					return nil
				},
			})
		}()
		next := 0
		grow := func() {
			next++
			if _, err := db.Append(t.Context(), store.Entry{Log: "feed", ID: fmt.Sprint(next), At: start}); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(handled) != 1 || handled[0] != want {
				t.Errorf("handled %v, not %s", handled, want)
			}
			handled = nil
		}
		synctest.Wait()
		grow()
		wake <- struct{}{}
		expect("1 at 0s")
		grow() // nobody says so
		time.Sleep(61 * time.Second)
		expect("2 at 1m0s")
		fails(true)
		grow()
		wake <- struct{}{}
		synctest.Wait()
		fails(false)
		wake <- struct{}{} // does not shorten the pause after an error
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		mu.Lock()
		if len(handled) != 0 {
			t.Errorf("handled %v in the pause after an error", handled)
		}
		mu.Unlock()
		time.Sleep(time.Second)
		expect("3 at 1m2s")
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestFollowerPages has more records waiting than a page: they are all handled
// without a wait, and the cursor never goes back.
func TestFollowerPages(t *testing.T) {
	db := memory()
	cursors, err := store.OpenCursors(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	for i := range n {
		if _, err := db.Append(t.Context(), store.Entry{Log: "feed", ID: fmt.Sprint(i), At: start}); err != nil {
			t.Fatal(err)
		}
	}
	handled := int64(0)
	f := store.Follower{
		Name: "f", Log: "feed", Now: func() time.Time { return start },
		Handle: func(_ context.Context, r store.Record) error {
			if handled++; r.N != handled {
				return fmt.Errorf("record %d as the %dth", r.N, handled)
			}
			return nil
		},
	}
	steps := 0
	for more := true; more; steps++ {
		if more, err = cursors.Step(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if at, err := cursors.At(t.Context(), "f", "feed"); err != nil || at != handled {
			t.Fatalf("the cursor is at %d of %d: %v", at, handled, err)
		}
	}
	if handled != n || steps < 2 {
		t.Errorf("%d handled in %d steps", handled, steps)
	}
}
