package identity

import (
	"strings"
	"testing"
	"time"

	"hezuo/store"
)

// Each breaks the store behind the room's back, and is found.
func TestCheckFinds(t *testing.T) {
	tests := map[string]struct {
		breakIt func(w *world, p Principal)
		found   string
	}{
		"code in clear": {func(w *world, _ Principal) {
			breakDoc(w, w.s.codes, codeID(w.vault.Hash(phoneKind, phoneA), PurposeSignIn), func(d *codeDoc) { d.Hash = "123456" })
		}, "a code is there in clear"},
		"hash of another phone": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.PhoneHash = w.vault.Hash(phoneKind, phoneB) })
		}, "the sealed phone is not the one of the hash"},
		"phone in clear": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.Phone = "phone" })
		}, "the phone cannot be opened"},
		"name of somebody else": {func(w *world, p Principal) {
			sealed, err := w.vault.Seal(w.ctx, "somebody else", nameField, nameA)
			w.must(err)
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.Name = sealed })
		}, "the name cannot be opened"},
		"strange role": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.Roles = []Role{"king"} })
		}, "no such role"},
		"key before its time": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.Devices[1].ActiveFrom = d.Devices[1].Registered })
		}, "usable before its time"},
		"key said to be first": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) {
				d.Devices[1].Proof.How, d.Devices[1].ActiveFrom = ProofFirst, d.Devices[1].Registered
			})
		}, "usable from another time than its proof allows"},
		"key not proven": {func(w *world, p Principal) {
			breakDoc(w, w.s.people, p.Person, func(d *Person) { d.Devices[0].Proof.Possession = d.Devices[1].Proof.Possession })
		}, "the signature does not fit"},
		"session of nobody": {func(w *world, p Principal) {
			breakDoc(w, w.s.sessions, p.Session, func(d *session) { d.Person = "p" })
		}, "the person is not there"},
		"session's secret lost": {func(w *world, p Principal) {
			breakDoc(w, w.s.sessions, p.Session, func(d *session) { d.Secret = "v1.AAAA" })
		}, "the secret cannot be opened"},
		"token key lost": {func(w *world, _ Principal) {
			breakDoc(w, w.s.keys, ringID, func(d *ringDoc) { d.Keys[0].Public[0]++ })
		}, "the key that signs cannot be used"},
		"replaced key can sign": {func(w *world, _ Principal) {
			w.must(w.s.RotateKeys(w.ctx, command(w, "system:test")))
			breakDoc(w, w.s.keys, ringID, func(d *ringDoc) { d.Keys[1].Private = d.Keys[0].Private })
		}, "a key that was replaced could still sign"},
		"erased with a hash": {func(w *world, p Principal) {
			w.must(w.vault.Destroy(w.ctx, command(w, p.Person), p.Person, "at the person's wish"))
		}, "the phone's hash is still there"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.principal(phoneA)
			for range 2 {
				w.clock.move(time.Hour)
				_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, newPair(t), nil))
				w.must(err)
			}
			w.code(phoneA)
			w.check()
			tt.breakIt(w, p)
			var report store.Report
			w.must(w.s.Check(w.ctx, &report))
			for _, f := range report.Findings {
				if strings.Contains(f.What, phoneA) || strings.Contains(f.What, nameA) {
					t.Errorf("%+v tells personal data", f)
				}
			}
			if len(report.Findings) == 0 || !strings.Contains(report.Findings[0].What, tt.found) {
				t.Errorf("found %+v, want %q", report.Findings, tt.found)
			}
		})
	}
}

func breakDoc[T any](w *world, c *store.Collection[T], id string, fn func(*T)) {
	w.t.Helper()
	_, err := c.Update(w.ctx, id, command(w, "system:test"), func(d *T) ([]store.Entry, error) {
		fn(d)
		if !c.Audited() {
			return nil, nil
		}
		return []store.Entry{store.Audit("test.break", "", nil)}, nil
	})
	w.must(err)
}
