package vault

import (
	"errors"
	"testing"
	"testing/iotest"

	"hezuo/fault"
	"hezuo/store"
)

// TestWrongMasterKey: a vault with another master key does not open, says what to
// do, and makes nothing.
func TestWrongMasterKey(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	before := v.Hash("phone", "13812341234")
	_, err := New(t.Context(), Config{DB: h.db, KMS: fileKMS(t, "wrong")})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Unavailable || f.Fix == "" || !errors.Is(err, ErrNoMasterKey) {
		t.Fatalf("error: %v", err)
	}
	t.Log(err)
	again := h.vault(t, fileKMS(t, "m2", "m1"))
	if again.Hash("phone", "13812341234") != before {
		t.Error("the hashes changed")
	}
	h.check(t, v)
}

// TestLostHashKey: a store that holds people's keys and no hash key does not get
// a second one.
func TestLostHashKey(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	mustSeal(t, v, "p-1", "phone", "13812341234")
	d, err := h.db.Get(t.Context(), "vault_house", hashKeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.db.Write(t.Context(), store.Write{Collection: "vault_house", ID: hashKeyID, Expect: d.Rev}); err != nil {
		t.Fatal(err)
	}
	_, err = New(t.Context(), Config{DB: h.db, KMS: fileKMS(t, "m1")})
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("error: %v", err)
	}
	var report store.Report
	if err := v.Check(t.Context(), &report); err != nil || len(report.Findings) != 1 {
		t.Errorf("check: %v, %+v", err, report.Findings)
	}
}

// TestNoRandomness: without random bytes there is no key, rather than a bad one.
func TestNoRandomness(t *testing.T) {
	h := newHouse(t)
	broken := errors.New("no entropy")
	cfg := Config{DB: h.db, KMS: fileKMS(t, "m1"), Rand: iotest.ErrReader(broken)}
	if _, err := New(t.Context(), cfg); !errors.Is(err, broken) {
		t.Errorf("New: %v", err)
	}
	if _, err := GenerateMasterKey(cfg.Rand); !errors.Is(err, broken) {
		t.Errorf("GenerateMasterKey: %v", err)
	}
}
