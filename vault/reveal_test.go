package vault

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

const purpose = "处理投诉：核实联系方式"

func TestRevealIsLogged(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	cmd := h.cmd()
	for range 3 { // a repeat is one act
		text, err := v.Reveal(t.Context(), cmd, "  "+purpose+"\n", "p-1", "phone", s)
		if err != nil || text != "13812341234" {
			t.Fatalf("revealed %q, %v", text, err)
		}
	}
	trail := h.trail(t, "p-1")
	if acts(trail) != "vault.key vault.reveal " {
		t.Fatalf("trail: %s", acts(trail))
	}
	got := trail[1]
	if got.Actor != cmd.Actor || got.From != cmd.From || got.Why != purpose || string(got.Facts) != `{"field":"phone"}` {
		t.Errorf("record: %+v", got)
	}
	records, err := h.db.Read(t.Context(), store.AuditLog("vault_keys", "p-1"), 1, 10)
	if err != nil || !records[0].At.Equal(cmd.At) {
		t.Errorf("at %v, %v", records, err)
	}
	h.check(t, v)
}

// TestRevealSeesEveryDifference: under one command id nothing can be seen twice
// without a second entry but the very same thing.
func TestRevealSeesEveryDifference(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	phone := mustSeal(t, v, "p-1", "phone", "13812341234")
	second := mustSeal(t, v, "p-1", "phone", "13812345678")
	name := mustSeal(t, v, "p-1", "name", "张三")
	cmd := h.cmd()
	other, later, elsewhere := cmd, cmd, cmd
	other.Actor, elsewhere.From = "operator-8", "session-10"
	later.At = later.At.Add(time.Nanosecond)
	for i, c := range []struct {
		cmd     store.Command
		purpose string
		field   string
		s       Sealed
	}{
		{cmd, purpose, "phone", phone},
		{cmd, purpose, "name", name},
		{cmd, purpose, "phone", second},
		{cmd, "另一个目的", "phone", phone},
		{other, purpose, "phone", phone},
		{later, purpose, "phone", phone},
		{elsewhere, purpose, "phone", phone},
	} {
		if _, err := v.Reveal(t.Context(), c.cmd, c.purpose, "p-1", c.field, c.s); err != nil {
			t.Fatal(err)
		}
		if got, want := acts(h.trail(t, "p-1")), "vault.key "+strings.Repeat("vault.reveal ", i+1); got != want {
			t.Errorf("case %d: trail %s", i, got)
		}
	}
	h.check(t, v)
}

func TestRevealNeedsAPurpose(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	for _, bad := range []string{
		"", "   ", "查一下", "  a b  ", strings.Repeat("长", MaxReason+1),
		"给13812341234打电话", "id 371502199001011234", "１３８１２３４１２３４", // full width
	} {
		text, err := v.Reveal(t.Context(), h.cmd(), bad, "p-1", "phone", s)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.Invalid || f.Field != "purpose" || text != "" {
			t.Errorf("%q: %q, %v", bad, text, err)
		}
	}
	for _, good := range []string{"核实身份", strings.Repeat("长", MaxReason), "投诉 01J8ZQ4X0Y7N3K5M9R2T6V8W1A"} {
		if _, err := v.Reveal(t.Context(), h.cmd(), good, "p-1", "phone", s); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	h.check(t, v)
}

// TestRevealFailsClosed: whatever keeps the entry from being written, or from
// being known to be written, keeps the value back.
func TestRevealFailsClosed(t *testing.T) {
	h := newHouse(t)
	failing := &failingDB{DB: h.db}
	h.db = failing
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	closed := func(name string, ctx context.Context, cmd store.Command, want error) {
		t.Helper()
		text, err := v.Reveal(ctx, cmd, purpose, "p-1", "phone", s)
		if text != "" || err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	failing.before = func(store.Write) error { return store.ErrClosed }
	closed("the store is closed", t.Context(), h.cmd(), store.ErrClosed)
	failing.before, failing.after = nil, func(store.Write) error { return store.ErrUnknown }
	closed("not known to be written", t.Context(), h.cmd(), store.ErrUnknown)
	failing.after = nil
	closed("the caller has gone", ended, h.cmd(), context.Canceled)
	closed("no command", t.Context(), store.Command{}, nil)
	closed("nobody", t.Context(), store.Command{ID: "x", At: h.clock.Now()}, nil)
	h.check(t, v)

	// The trail itself takes nothing more.
	log := store.AuditLog("vault_keys", "p-1")
	if _, err := h.db.Append(t.Context(), store.Entry{Log: log, ID: "end", Kind: "seal", At: h.clock.Now(), Seal: true}); err != nil {
		t.Fatal(err)
	}
	closed("the trail is sealed", t.Context(), h.cmd(), store.ErrSealed)
}

// TestRevealOfWhatIsBroken leaves no entry: nobody saw anything.
func TestRevealOfWhatIsBroken(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	if _, err := v.Reveal(t.Context(), h.cmd(), purpose, "p-1", "name", s); !errors.Is(err, ErrBroken) {
		t.Errorf("error: %v", err)
	}
	if got := acts(h.trail(t, "p-1")); got != "vault.key " {
		t.Errorf("trail: %s", got)
	}
}
