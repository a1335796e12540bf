package agreement

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/matching"
	"hezuo/store"
)

// found lists the invariants that a check says are broken.
func (w *world) found() []string {
	w.t.Helper()
	var report store.Report
	if err := w.agreements.Check(w.t.Context(), &report); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, f := range report.Findings {
		if !slices.Contains(out, f.Invariant) {
			out = append(out, f.Invariant)
		}
	}
	return out
}

// breakDoc changes a document as nobody may, past the watch.
func breakDoc[T any](w *world, spec store.Spec[T], id string, change func(*T)) {
	w.t.Helper()
	c := must(store.Open(w.t.Context(), w.raw, spec))(w.t)
	must(c.Update(w.t.Context(), id, w.cmd("system:vandal"), func(d *T) ([]store.Entry, error) {
		change(d)
		return []store.Entry{store.Audit("break", "", nil)}, nil
	}))(w.t)
}

func (w *world) breakHandshake(id string, change func(*matching.Handshake)) {
	w.t.Helper()
	must(w.handshakes.Collection().Update(w.t.Context(), id, w.cmd("system:vandal"), func(h *matching.Handshake) ([]store.Entry, error) {
		change(h)
		return []store.Entry{store.Audit("break", "", nil)}, nil
	}))(w.t)
}

// The check says nothing of a sound store and finds each thing that may be wrong.
func TestCheckFinds(t *testing.T) {
	changed := "a signed agreement never changes"
	for name, tt := range map[string]struct {
		breaks func(*testing.T, *world, store.Item[Agreement])
		want   string
	}{
		"an agreement written twice": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) {})
		}, changed},
		"other terms": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.Payload = strings.Replace(a.Payload, "15000", "15001", 1) })
		}, verifyInvariant},
		"another time": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.SignedAt = a.SignedAt.Add(time.Second) })
		}, verifyInvariant},
		"another signer": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.Signatures[0].Person = "p-other" })
		}, verifyInvariant},
		"another countersignature": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.Countersignature.Signature = b64(make([]byte, 64)) })
		}, verifyInvariant},
		"signatures cut off": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.Signatures = a.Signatures[:1] })
		}, verifyInvariant},
		"another party": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, agreementSpec(), it.ID, func(a *Agreement) { a.Owner = "y-other" })
		}, termsInvariant},
		"other accepted terms": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) {
				h.Newest().Terms.People++
				h.Newest().Hash = must(h.Newest().Terms.Hash())(w.t)
				h.Employer.Accepted.Hash, h.Owner.Accepted.Hash = h.Newest().Hash, h.Newest().Hash
			})
		}, termsInvariant},
		"another contract": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) { h.Contract = "{}" })
		}, termsInvariant},
		"another signature": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) { h.Owner.Signed.Signature = h.Employer.Signed.Signature })
		}, termsInvariant},
		"a handshake that was not signed": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) { h.State = matching.Refused })
		}, oneInvariant},
		"a signed handshake without signature": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) { h.Owner.Signed = nil })
		}, oneInvariant},
		"an agreement of no handshake": {func(t *testing.T, w *world, it store.Item[Agreement]) {
			c := must(store.Open(t.Context(), w.raw, agreementSpec()))(t)
			must(c.Create(t.Context(), ID("h-none"), w.cmd("system:vandal"), func(a *Agreement) ([]store.Entry, error) {
				*a = it.Doc
				a.Handshake = "h-none"
				return []store.Entry{store.Audit("break", "", nil)}, nil
			}))(t)
		}, oneInvariant},
		"two agreements of one handshake": {func(t *testing.T, w *world, it store.Item[Agreement]) {
			c := must(store.Open(t.Context(), w.raw, agreementSpec()))(t)
			must(c.Create(t.Context(), "a-second", w.cmd("system:vandal"), func(a *Agreement) ([]store.Entry, error) {
				*a = it.Doc
				return []store.Entry{store.Audit("break", "", nil)}, nil
			}))(t)
		}, oneInvariant},
		"no agreement": {func(t *testing.T, w *world, it store.Item[Agreement]) {
			c := must(store.Open(t.Context(), w.raw, agreementSpec()))(t)
			if err := c.Delete(t.Context(), it.ID, w.cmd("system:vandal"), func(*Agreement) ([]store.Entry, error) {
				return []store.Entry{store.Audit("break", "", nil)}, nil
			}); err != nil {
				t.Fatal(err)
			}
		}, oneInvariant},
		"no agreement of what was broken off": {func(t *testing.T, w *world, it store.Item[Agreement]) {
			w.breakHandshake(it.Doc.Handshake, func(h *matching.Handshake) { h.State = matching.BrokenOff })
			if got := w.found(); len(got) != 0 {
				t.Errorf("broken off, with its agreement: %v", got)
			}
			c := must(store.Open(t.Context(), w.raw, agreementSpec()))(t)
			if err := c.Delete(t.Context(), it.ID, w.cmd("system:vandal"), func(*Agreement) ([]store.Entry, error) {
				return []store.Entry{store.Audit("break", "", nil)}, nil
			}); err != nil {
				t.Fatal(err)
			}
		}, oneInvariant},
		"values lost": {func(t *testing.T, w *world, it store.Item[Agreement]) {
			if err := w.contracts.forget(t.Context(), it.Doc.Handshake); err != nil {
				t.Fatal(err)
			}
		}, disclosureInvariant},
		"values of another": {func(_ *testing.T, w *world, it store.Item[Agreement]) {
			breakDoc(w, disclosuresSpec(), it.Doc.Handshake, func(d *disclosuresDoc) {
				for _, values := range d.Drafts {
					values[0].Sealed = must(w.vault.Seal(w.t.Context(), values[0].Party, place(it.Doc.Handshake, values[0].Field), "another"))(w.t)
				}
			})
		}, disclosureInvariant},
		"a replaced key that could sign": {func(t *testing.T, w *world, _ store.Item[Agreement]) {
			if err := w.agreements.RotatePlatformKey(t.Context(), w.cmd("system:test"), "a test"); err != nil {
				t.Fatal(err)
			}
			breakDoc(w, store.Spec[ring]{Name: "platform_keys"}, ringID, func(r *ring) { r.Keys[1].Private = r.Keys[0].Private })
		}, platformInvariant},
		"a key that cannot sign": {func(_ *testing.T, w *world, _ store.Item[Agreement]) {
			breakDoc(w, store.Spec[ring]{Name: "platform_keys"}, ringID, func(r *ring) { r.Keys[0].Private = "v1.AAAA" })
		}, platformInvariant},
		"a key of the house lost": {func(t *testing.T, w *world, _ store.Item[Agreement]) {
			if err := w.agreements.RotatePlatformKey(t.Context(), w.cmd("system:test"), "a test"); err != nil {
				t.Fatal(err)
			}
			breakDoc(w, store.Spec[ring]{Name: "platform_keys"}, ringID, func(r *ring) { r.Keys = r.Keys[:1] })
		}, verifyInvariant},
		"no key of the house": {func(_ *testing.T, w *world, _ store.Item[Agreement]) {
			breakDoc(w, store.Spec[ring]{Name: "platform_keys"}, ringID, func(r *ring) { r.Keys = nil })
		}, platformInvariant},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			it := w.concluded(w.sides())
			if got := w.found(); len(got) != 0 {
				t.Fatalf("a sound store: %v", got)
			}
			tt.breaks(t, w, it)
			if got := w.found(); !slices.Contains(got, tt.want) {
				t.Errorf("found %v, not %q", got, tt.want)
			}
		})
	}
}

// What the follower has not handled yet is no finding, by its cursor and whatever
// the time; what it has handled is.
func TestCheckAllowsLagByCursor(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.signed(s)
	if r := w.check(); r.Counted["agreements still to be made"] != 1 {
		t.Errorf("counted %v", r.Counted)
	}
	w.clock.Add(365 * 24 * time.Hour)
	if got := w.found(); len(got) != 0 {
		t.Errorf("a year later: %v", got)
	}
	// A follower that passes over the signing.
	f := w.agreements.follower(county)
	f.Handle = func(context.Context, store.Record) error { return nil }
	must(w.cursors.Step(t.Context(), f))(t)
	if got := w.found(); !slices.Equal(got, []string{oneInvariant}) {
		t.Errorf("found %v", got)
	}
	if err := w.agreements.conclude(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.check()
}

// A record that cannot be handled is tried again, and is not passed over.
func TestFollowerDoesNotSkip(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.signed(s)
	keep := w.handshake(id).Contract
	w.breakHandshake(id, func(h *matching.Handshake) { h.Contract = "{}" })
	if _, err := w.cursors.Step(t.Context(), w.agreements.follower(county)); err == nil {
		t.Fatal("an agreement was made of a contract that is none")
	}
	if _, err := w.agreements.book.Get(t.Context(), ID(id)); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	// Nor does the house countersign what does not verify.
	signature := w.handshake(id).Owner.Signed.Signature
	w.breakHandshake(id, func(h *matching.Handshake) {
		h.Contract, h.Owner.Signed.Signature = keep, h.Employer.Signed.Signature
	})
	if _, err := w.cursors.Step(t.Context(), w.agreements.follower(county)); err == nil {
		t.Fatal("an agreement was made with a signature that is none")
	}
	w.breakHandshake(id, func(h *matching.Handshake) { h.Owner.Signed.Signature = signature })
	w.follow(w.agreements)
	must(w.agreements.ByHandshake(t.Context(), s.owner.caller(), id))(t)
	w.check()
}

// Nothing is opened without what it needs.
func TestNewAsksForWhatItNeeds(t *testing.T) {
	if _, err := NewContracts(t.Context(), ContractsConfig{}); !fault.Is(err, fault.Internal) {
		t.Errorf("contracts: %v", err)
	}
	if _, err := New(t.Context(), Config{}); !fault.Is(err, fault.Internal) {
		t.Errorf("agreements: %v", err)
	}
}
