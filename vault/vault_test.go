package vault

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"

	"pgregory.net/rapid"
)

func TestSealAndOpen(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	rapid.Check(t, func(r *rapid.T) {
		owner := rapid.StringMatching(`p-[a-c]`).Draw(r, "owner")
		field := rapid.SampledFrom([]string{"phone", "name", "message/r1/1"}).Draw(r, "field")
		text := string(rapid.SliceOf(rapid.Byte()).Draw(r, "plaintext")) // any bytes, not only UTF-8
		s := mustSeal(t, v, owner, field, text)
		if (s == "") != (text == "") {
			r.Fatalf("sealing %q gave %q", text, string(s))
		}
		if got := mustOpen(t, v, owner, field, s); got != text {
			r.Fatalf("opened %q, sealed %q", got, text)
		}
		if again := mustSeal(t, v, owner, field, text); text != "" && again == s {
			r.Fatal("sealing twice gave the same bytes")
		}
	})
	h.check(t, v)
}

// TestTampering changes each character of a sealed value, cuts it and moves it:
// nothing of that may open.
func TestTampering(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	for _, owner := range []string{"p-1", "p-2", "p"} {
		mustSeal(t, v, owner, "other", "makes a key")
	}
	fails := func(r *rapid.T, owner, field string, s Sealed) {
		if text, err := v.Open(t.Context(), owner, field, s); !errors.Is(err, ErrBroken) || text != "" {
			r.Fatalf("opened %q, error %v", text, err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		s := mustSeal(t, v, "p-1", "phone", rapid.StringN(1, 40, -1).Draw(r, "plaintext"))
		at := rapid.IntRange(0, len(s)-1).Draw(r, "at")
		if to := rapid.Byte().Draw(r, "to"); to != s[at] {
			fails(r, "p-1", "phone", s[:at]+Sealed([]byte{to})+s[at+1:])
		}
		if at > 0 {
			fails(r, "p-1", "phone", s[:at])
		}
		for _, more := range []Sealed{"A", "AAAA", "\n", "\r\n", "=", " "} {
			fails(r, "p-1", "phone", s[:at]+more+s[at:])
			fails(r, "p-1", "phone", s+more)
		}
		// The last character may carry bits that no byte is made of.
		for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if byte(last) != s[len(s)-1] {
				fails(r, "p-1", "phone", s[:len(s)-1]+Sealed(last))
			}
		}
		fails(r, "p-2", "phone", s)
		fails(r, "p-1", "name", s)
		fails(r, "p-1", "phon", s)
		fails(r, "p", "-1phone", s) // the border between owner and field
	})
}

func TestNothingIsNothing(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	if s := mustSeal(t, v, "p-1", "phone", ""); s != "" {
		t.Errorf("sealed nothing as %q", string(s))
	}
	if text := mustOpen(t, v, "p-1", "phone", ""); text != "" {
		t.Errorf("opened nothing as %q", text)
	}
	if text, err := v.Reveal(t.Context(), h.cmd(), "核实身份信息", "p-1", "phone", ""); text != "" || err != nil {
		t.Errorf("revealed nothing as %q, %v", text, err)
	}
	if got := h.trail(t, "p-1"); len(got) != 0 {
		t.Errorf("nothing left a trail: %v", got)
	}
}

func TestDefectsOfTheCaller(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	ctx := t.Context()
	_, noOwner := v.Seal(ctx, "", "phone", "x")
	_, noField := v.Seal(ctx, "p-1", "", "x")
	_, openNoOwner := v.Open(ctx, "", "phone", s)
	_, stranger := v.Open(ctx, "p-9", "phone", s)
	_, empty := New(ctx, Config{})
	for name, err := range map[string]error{
		"no owner": noOwner, "no field": noField, "open without owner": openNoOwner,
		"an owner without a key": stranger, "an empty config": empty,
		"destroy without owner": v.Destroy(ctx, h.cmd(), "", "已申请注销"),
	} {
		if !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.db.Get(ctx, "vault_keys", "p-9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("opening made a key: %v", err)
	}
}

func TestErrorsHoldNoPlaintext(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	const phone = "13812341234"
	s := mustSeal(t, v, "p-1", "phone", phone)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, sealErr := v.Seal(ended, "p-new", "phone", phone)
	_, openErr := v.Open(t.Context(), "p-1", "name", s)
	_, revealErr := v.Reveal(ended, h.cmd(), "核实身份信息", "p-1", "phone", s)
	_, purposeErr := v.Reveal(t.Context(), h.cmd(), "call "+phone, "p-1", "phone", s)
	for _, err := range []error{sealErr, openErr, revealErr, purposeErr} {
		if err == nil || strings.Contains(err.Error(), phone) || strings.Contains(err.Error(), string(s)) {
			t.Errorf("error: %v", err)
		}
	}
}

// TestKeyIsMadeOnce: a key is made at first use, audited, and read from memory
// for as long as it may be.
func TestKeyIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	kms := &countingKMS{KMS: fileKMS(t, "m1")}
	v := h.vault(t, kms)
	start := kms.unwraps.Load()
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	for range 10 {
		mustOpen(t, v, "p-1", "phone", s)
	}
	if n := kms.unwraps.Load() - start; n != 1 {
		t.Errorf("%d unwraps within a cache's life, want 1", n)
	}
	h.clock.Add(MaxCacheFor - time.Nanosecond)
	mustOpen(t, v, "p-1", "phone", s)
	if n := kms.unwraps.Load() - start; n != 1 {
		t.Errorf("%d unwraps just before its end, want 1", n)
	}
	h.clock.Add(time.Nanosecond)
	mustOpen(t, v, "p-1", "phone", s)
	if n := kms.unwraps.Load() - start; n != 2 {
		t.Errorf("%d unwraps at its end, want 2", n)
	}
	// Nobody can ask for more than a minute.
	long, err := New(t.Context(), Config{DB: h.db, KMS: kms, Now: h.clock.Now, CacheFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	mustOpen(t, long, "p-1", "phone", s)
	before := kms.unwraps.Load()
	h.clock.Add(MaxCacheFor)
	mustOpen(t, long, "p-1", "phone", s)
	if n := kms.unwraps.Load() - before; n != 1 {
		t.Errorf("%d unwraps a minute later, want 1", n)
	}
	trail := h.trail(t, "p-1")
	if acts(trail) != "vault.key " || trail[0].Actor != "system:vault" || trail[0].From != "node-1" {
		t.Errorf("trail: %+v", trail)
	}
	h.check(t, v)
}
