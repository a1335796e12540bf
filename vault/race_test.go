package vault

import (
	"fmt"
	"sync"
	"testing"

	"hezuo/store"
)

const racers = 32

// TestFirstUseRaces lets many goroutines of one vault, and of two vaults over one
// store, use new owners at once. All must have got one key: each opens what every
// other sealed.
func TestFirstUseRaces(t *testing.T) {
	for _, vaults := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d vaults", vaults), func(t *testing.T) {
			h := newHouse(t)
			// The new owner's keys are wrapped at the same moment by as many as
			// find no key: nobody writes before everybody has looked.
			var gate sync.WaitGroup
			kms := &countingKMS{KMS: fileKMS(t, "m1")}
			var vs []*Vault
			for range vaults {
				vs = append(vs, h.another(t).vault(t, kms))
			}
			gate.Add(racers)
			kms.beforeWrap = func() { gate.Done(); gate.Wait() }
			sealed := make([]Sealed, racers)
			errs := make([]error, racers)
			var group sync.WaitGroup
			for i := range racers {
				group.Go(func() {
					sealed[i], errs[i] = vs[i%vaults].Seal(t.Context(), "p-1", "phone", fmt.Sprint(i))
				})
			}
			group.Wait()
			kms.beforeWrap = nil
			vs = append(vs, h.vault(t, kms)) // and one that has nothing in memory
			for i, s := range sealed {
				if errs[i] != nil {
					t.Fatal(errs[i])
				}
				for _, v := range vs {
					if got := mustOpen(t, v, "p-1", "phone", s); got != fmt.Sprint(i) {
						t.Errorf("opened %q, sealed %d", got, i)
					}
				}
			}
			if got := acts(h.trail(t, "p-1")); got != "vault.key " {
				t.Errorf("trail: %s", got)
			}
			h.check(t, vs[0])
		})
	}
}

// TestFirstStartRaces opens many vaults over one new store: all hash alike.
func TestFirstStartRaces(t *testing.T) {
	h := newHouse(t)
	nodes := []*house{h, h.another(t)}
	kms := fileKMS(t, "m1")
	hashes := make([]string, racers)
	errs := make([]error, racers)
	var group sync.WaitGroup
	for i := range racers {
		group.Go(func() {
			v, err := New(t.Context(), Config{DB: nodes[i%2].db, KMS: kms, Now: h.clock.Now})
			if errs[i] = err; err == nil {
				_, errs[i] = v.Seal(t.Context(), fmt.Sprint("p-", i), "phone", "x")
				hashes[i] = v.Hash("phone", "13812341234")
			}
		})
	}
	group.Wait()
	for i := range racers {
		if errs[i] != nil || hashes[i] != hashes[0] {
			t.Fatalf("vault %d: hash %q, not %q; error %v", i, hashes[i], hashes[0], errs[i])
		}
	}
	h.check(t, h.vault(t, kms))
}

// TestFirstStartOvertaken: another node makes the hash key, and an owner's, while
// this one has looked for the first and not yet for the second.
func TestFirstStartOvertaken(t *testing.T) {
	h := newHouse(t)
	kms := fileKMS(t, "m1")
	var first *Vault
	slow := &failingDB{DB: h.another(t).db}
	slow.beforeFind = func() {
		first = h.vault(t, kms)
		mustSeal(t, first, "p-1", "phone", "13812341234")
	}
	v, err := New(t.Context(), Config{DB: slow, KMS: kms, Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if v.Hash("phone", "13812341234") != first.Hash("phone", "13812341234") {
		t.Error("two hash keys")
	}
	h.check(t, first)
}

// TestDestroyRaces seals, opens, reveals and rewraps while the owner is being
// destroyed. Afterwards nothing opens, in the vault that destroyed, without the
// clock moving.
func TestDestroyRaces(t *testing.T) {
	h := newHouse(t)
	h.vault(t, fileKMS(t, "m1")) // makes the hash key
	old := h.vault(t, fileKMS(t, "m1"))
	for round := range 20 {
		owner := fmt.Sprint("p-", round)
		s := mustSeal(t, old, owner, "phone", "13812341234")
		v := h.vault(t, fileKMS(t, "m2", "m1"))
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 5 {
					switch i % 4 {
					case 0:
						_, _ = v.Open(t.Context(), owner, "phone", s)
					case 1:
						_, _ = v.Seal(t.Context(), owner, "phone", "x")
					case 2:
						_, _ = v.Reveal(t.Context(), h.cmd(), "核实身份信息", owner, "phone", s)
					case 3:
						if _, err := v.Rewrap(t.Context(), h.cmd()); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		if err := v.Destroy(t.Context(), h.cmd(), owner, "本人申请注销"); err != nil {
			t.Fatal(err)
		}
		if text, err := v.Open(t.Context(), owner, "phone", s); err == nil {
			t.Fatalf("opened %q after Destroy", text)
		}
		group.Wait()
		if text, err := v.Open(t.Context(), owner, "phone", s); err == nil {
			t.Fatalf("opened %q after Destroy", text)
		}
	}
	report := h.check(t, h.vault(t, fileKMS(t, "m2", "m1")))
	if got := report.Counted["vault keys destroyed"]; got != 20 {
		t.Errorf("%d destroyed, want 20", got)
	}
}

// TestUnknownOutcome: a creation that happened and was not acknowledged is
// repeated and ends in the one key.
func TestUnknownOutcome(t *testing.T) {
	h := newHouse(t)
	failing := &failingDB{DB: h.db}
	h.db = failing
	v := h.vault(t, fileKMS(t, "m1"))
	lost := 0
	failing.after = func(store.Write) error {
		if lost++; lost == 1 {
			return store.ErrUnknown
		}
		return nil
	}
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	failing.after = nil
	if got := mustOpen(t, h.vault(t, fileKMS(t, "m1")), "p-1", "phone", s); got != "13812341234" {
		t.Errorf("opened %q", got)
	}
	if got := acts(h.trail(t, "p-1")); got != "vault.key " || lost != 1 {
		t.Errorf("trail: %s; %d answers", got, lost)
	}
	h.check(t, v)
}
