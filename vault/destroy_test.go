package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
)

const why = "本人申请注销账号"

// TestDestroy follows an owner's end on two nodes.
func TestDestroy(t *testing.T) {
	h := newHouse(t)
	here, there := h.vault(t, fileKMS(t, "m1")), h.another(t).vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, here, "p-1", "phone", "13812341234")
	kept := mustSeal(t, here, "p-2", "phone", "13912345678")
	seen := h.cmd() // an act of the other node, which it will repeat
	if _, err := there.Reveal(t.Context(), seen, purpose, "p-1", "phone", s); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(10 * time.Second)
	cmd := h.cmd()
	for range 2 { // a repeat is a no-op
		if err := here.Destroy(t.Context(), cmd, "p-1", why); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Destroy(t.Context(), h.cmd(), "p-1", "再次申请注销"); err != nil {
		t.Fatal(err)
	}

	gone := func(v *Vault, node string) {
		t.Helper()
		ctx := t.Context()
		_, open := v.Open(ctx, "p-1", "phone", s)
		_, sealNew := v.Seal(ctx, "p-1", "phone", "13812341234")
		_, reveal := v.Reveal(ctx, h.cmd(), purpose, "p-1", "phone", s)
		for act, err := range map[string]error{"open": open, "seal": sealNew, "reveal": reveal} {
			if !errors.Is(err, ErrDestroyed) || !fault.Is(err, fault.Gone) {
				t.Errorf("%s %s: %v", node, act, err)
			}
		}
	}
	gone(here, "where it was destroyed")

	// The other node still has it in memory, but reveals nothing.
	if got := mustOpen(t, there, "p-1", "phone", s); got != "13812341234" {
		t.Errorf("opened %q", got)
	}
	if _, err := there.Reveal(t.Context(), h.cmd(), purpose, "p-1", "phone", s); !errors.Is(err, ErrDestroyed) {
		t.Errorf("the other node revealed: %v", err)
	}
	if _, err := there.Reveal(t.Context(), seen, purpose, "p-1", "phone", s); !errors.Is(err, ErrDestroyed) {
		t.Errorf("the other node revealed again: %v", err)
	}
	h.clock.Add(MaxCacheFor - 10*time.Second)
	gone(there, "the other, a minute after it read the key")
	gone(h.vault(t, fileKMS(t, "m1")), "a new one")

	if got := mustOpen(t, there, "p-2", "phone", kept); got != "13912345678" {
		t.Errorf("another owner: %q", got)
	}
	if got := acts(h.trail(t, "p-2")); got != "vault.key " {
		t.Errorf("another owner's trail: %s", got)
	}
	trail := h.trail(t, "p-1")
	if acts(trail) != "vault.key vault.reveal vault.destroy " || trail[2].Why != why || trail[2].Actor != cmd.Actor {
		t.Errorf("trail: %+v", trail)
	}
	d, err := h.db.Get(t.Context(), "vault_keys", "p-1")
	if err != nil || strings.Contains(string(d.Body), "wrapped") || !strings.Contains(string(d.Body), `"destroyed":"2026-03-01T08:00:10Z"`) {
		t.Errorf("document: %s, %v", d.Body, err)
	}
	if report := h.check(t, there); report.Counted["vault keys destroyed"] != 1 {
		t.Errorf("counted: %v", report.Counted)
	}
}

// TestDestroyWithoutAKey: an owner of whom nothing was sealed yet never gets a key.
func TestDestroyWithoutAKey(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	for owner, want := range map[string]bool{"p-1": true, "p-2": false} {
		if want {
			if err := v.Destroy(t.Context(), h.cmd(), owner, why); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := v.Destroyed(t.Context(), owner); got != want || err != nil {
			t.Errorf("%s destroyed: %v, %v", owner, got, err)
		}
	}
	if _, err := v.Seal(t.Context(), "p-1", "phone", "13812341234"); !errors.Is(err, ErrDestroyed) {
		t.Errorf("seal: %v", err)
	}
	h.check(t, v)
}

func TestDestroyNeedsAReason(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	if err := v.Destroy(t.Context(), h.cmd(), "p-1", " "); !fault.Is(err, fault.Invalid) {
		t.Errorf("error: %v", err)
	}
	mustOpen(t, v, "p-1", "phone", s)
}
