package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"hezuo/store"
)

// TestRotation goes the way of the package's text, with more owners than a page.
func TestRotation(t *testing.T) {
	const owners = rewrapPage + 20
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	hash := v.Hash("phone", "13812341234")
	sealed := make([]Sealed, owners)
	var group sync.WaitGroup
	for w := range 16 {
		group.Go(func() {
			for i := w; i < owners; i += 16 {
				sealed[i], _ = v.Seal(t.Context(), fmt.Sprint("p-", i), "phone", fmt.Sprint(i))
			}
		})
	}
	group.Wait()
	if err := v.Destroy(t.Context(), h.cmd(), "p-7", why); err != nil {
		t.Fatal(err)
	}

	both := h.vault(t, fileKMS(t, "m2", "m1"))
	if got := h.check(t, both).Counted["vault keys under an older master key"]; got != owners {
		t.Errorf("%d under the older master key, want %d", got, owners)
	}
	cmd := h.cmd()
	// It is stopped in the middle, and called again with the same command.
	ctx, cancel := context.WithCancel(t.Context())
	stopping := &failingDB{DB: h.db}
	writes := 0
	var mu sync.Mutex
	stopping.after = func(store.Write) error {
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == 100 {
			cancel()
		}
		return nil
	}
	stopped, err := New(t.Context(), Config{DB: stopping, KMS: fileKMS(t, "m2", "m1"), Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	first, err := stopped.Rewrap(ctx, cmd)
	if !errors.Is(err, context.Canceled) || first >= owners {
		t.Errorf("stopped: %d, %v", first, err)
	}
	// What was stopped between write and answer is done but not counted, and may
	// still be under way: the store writes in order, so this one waits for it.
	if _, err := h.db.Append(t.Context(), store.Entry{Log: "after", ID: "1", Kind: "after", At: h.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	left := h.check(t, both).Counted["vault keys under an older master key"]
	if left == 0 || left > owners-first {
		t.Errorf("%d left after %d", left, first)
	}
	second, err := both.Rewrap(t.Context(), cmd)
	if err != nil || second != left {
		t.Errorf("resumed: %d of %d, %v", second, left, err)
	}
	if third, err := both.Rewrap(t.Context(), cmd); third != 0 || err != nil {
		t.Errorf("again: %d, %v", third, err)
	}

	after := h.vault(t, fileKMS(t, "m2")) // the former master key is gone
	if got := h.check(t, after).Counted["vault keys under an older master key"]; got != 0 {
		t.Errorf("%d under an older master key", got)
	}
	if after.Hash("phone", "13812341234") != hash {
		t.Error("the hashes changed")
	}
	for i, s := range sealed {
		text, err := after.Open(t.Context(), fmt.Sprint("p-", i), "phone", s)
		if i == 7 {
			if !errors.Is(err, ErrDestroyed) {
				t.Errorf("the destroyed one: %q, %v", text, err)
			}
			continue
		}
		if err != nil || text != fmt.Sprint(i) {
			t.Errorf("opened %q of %d, %v", text, i, err)
		}
	}
	if got := acts(h.trail(t, "p-1")); got != "vault.key vault.rewrap " {
		t.Errorf("trail: %s", got)
	}
	// The next rotation under the same command is not taken for a repeat.
	if n, err := h.vault(t, fileKMS(t, "m1", "m2")).Rewrap(t.Context(), cmd); n != owners || err != nil {
		t.Errorf("back: %d, %v", n, err)
	}
	if n, err := h.vault(t, fileKMS(t, "m2", "m1")).Rewrap(t.Context(), cmd); n != owners || err != nil {
		t.Errorf("and forth: %d, %v", n, err)
	}
	h.check(t, after)
}

// TestRewrapWithoutTheOlderKey does what it can, tells what it cannot, and harms
// nothing.
func TestRewrapWithoutTheOlderKey(t *testing.T) {
	h := newHouse(t)
	s1 := mustSeal(t, h.vault(t, fileKMS(t, "m1")), "p-1", "phone", "1")
	both := h.vault(t, fileKMS(t, "m2", "m1"))
	s2 := mustSeal(t, both, "p-2", "phone", "2")
	// Only the house's key follows to m2, as if p-1's had been forgotten.
	it, err := both.house.Get(t.Context(), hashKeyID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.rewrap(t.Context(), both.house, h.cmd(), it); err != nil {
		t.Fatal(err)
	}
	v := h.vault(t, fileKMS(t, "m3", "m2"))
	n, err := v.Rewrap(t.Context(), h.cmd())
	if n != 2 || !errors.Is(err, ErrNoMasterKey) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := v.Open(t.Context(), "p-1", "phone", s1); !errors.Is(err, ErrNoMasterKey) {
		t.Errorf("open: %v", err)
	}
	all := h.vault(t, fileKMS(t, "m3", "m2", "m1"))
	if mustOpen(t, all, "p-1", "phone", s1) != "1" || mustOpen(t, all, "p-2", "phone", s2) != "2" {
		t.Error("something was lost")
	}
	h.check(t, all)
}
