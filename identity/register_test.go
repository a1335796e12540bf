package identity

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

func TestRegisterKeyRefuses(t *testing.T) {
	other := newPair(t)
	tests := map[string]struct {
		change func(w *world, p Principal, key pair, req *KeyRequest)
		code   fault.Code
		used   bool // the code is used up, or a guess is counted
	}{
		"no key":          {func(_ *world, _ Principal, _ pair, r *KeyRequest) { r.Key = nil }, fault.Invalid, false},
		"no possession":   {func(_ *world, _ Principal, _ pair, r *KeyRequest) { r.Possession = "" }, fault.Invalid, false},
		"another's key":   {func(_ *world, _ Principal, _ pair, r *KeyRequest) { r.Key = other.jwk }, fault.Invalid, false},
		"label too long":  {func(_ *world, _ Principal, _ pair, r *KeyRequest) { r.Label = strings.Repeat("长", 41) }, fault.Invalid, false},
		"another person":  {sign(func(p Principal, key pair, r *KeyRequest) []byte { return Challenge("p", key.thumbprint, r.Code.ID) }), fault.Invalid, false},
		"another code":    {sign(func(p Principal, key pair, _ *KeyRequest) []byte { return Challenge(p.Person, key.thumbprint, "c") }), fault.Invalid, false},
		"the code itself": {sign(func(_ Principal, _ pair, r *KeyRequest) []byte { return []byte(r.Code.Digits) }), fault.Invalid, false},
		"wrong digits": {func(_ *world, _ Principal, _ pair, r *KeyRequest) {
			r.Code.Digits = map[bool]string{true: "000001", false: "000000"}[r.Code.Digits == "000000"]
		}, fault.Invalid, true},
		"old code id": {func(w *world, p Principal, key pair, r *KeyRequest) {
			r.Code.ID = "cold"
			r.Possession = key.sign(w.t, Challenge(p.Person, key.thumbprint, "cold"))
		}, fault.Invalid, true},
		"no code id": {func(w *world, p Principal, key pair, r *KeyRequest) {
			r.Code.ID = ""
			r.Possession = key.sign(w.t, Challenge(p.Person, key.thumbprint, ""))
		}, fault.Invalid, false},
		"nobody vouches": {func(_ *world, _ Principal, _ pair, r *KeyRequest) { r.Vouched = &Vouched{} }, fault.Invalid, false},
		"stranger vouches": {func(w *world, p Principal, key pair, r *KeyRequest) {
			r.Vouched = &Vouched{other.thumbprint, other.sign(w.t, Challenge(p.Person, key.thumbprint, r.Code.ID))}
		}, fault.Invalid, false},
		"vouches for itself": {func(_ *world, _ Principal, key pair, r *KeyRequest) {
			r.Vouched = &Vouched{key.thumbprint, r.Possession}
		}, fault.Invalid, false},
		"over": {func(w *world, _ Principal, _ pair, _ *KeyRequest) { w.clock.move(CodeFor) }, fault.Invalid, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, key := w.principal(phoneA), newPair(t)
			req := w.request(p, key, nil)
			tt.change(w, p, key, &req)
			_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, req)
			w.want(err, tt.code)
			it, err := w.s.codes.Get(w.ctx, codeID(w.vault.Hash(phoneKind, phoneA), PurposeDeviceKey))
			w.must(err)
			if used := it.Doc.Tries > 0; used != tt.used {
				t.Errorf("the code was tried %d times", it.Doc.Tries)
			}
			person, err := w.s.Get(w.ctx, p.Person)
			w.must(err)
			if len(person.Devices) != 0 {
				t.Error("the key is there")
			}
			w.check()
		})
	}
}

// sign replaces the signature by one over something else.
func sign(data func(Principal, pair, *KeyRequest) []byte) func(*world, Principal, pair, *KeyRequest) {
	return func(w *world, p Principal, key pair, r *KeyRequest) { r.Possession = key.sign(w.t, data(p, key, r)) }
}

func TestVouchedSignatureMustFit(t *testing.T) {
	w := newWorld(t)
	p, first, second := w.principal(phoneA), newPair(t), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, first, nil))
	w.must(err)
	req := w.request(p, second, &first)
	req.Vouched.Signature = req.Possession
	_, err = w.s.RegisterKey(w.ctx, w.cmd(), p, req)
	w.want(err, fault.Invalid)
	// Nor does a revoked key vouch.
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), p, first.thumbprint, RevokedLost))
	w.clock.move(time.Second)
	_, err = w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, second, &first))
	w.want(err, fault.Invalid)
	w.check()
}

// A key belongs to one person for ever, also when it was revoked.
func TestKeyBelongsToOnePerson(t *testing.T) {
	w := newWorld(t)
	a, b, key := w.principal(phoneA), w.principal(phoneB), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), a, w.request(a, key, nil))
	w.must(err)
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), a, key.thumbprint, RevokedReplaced))
	for _, p := range []Principal{a, b} {
		_, err = w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, key, nil))
		w.want(err, fault.Conflict)
	}
	w.check()
}

func TestKeyRace(t *testing.T) {
	w := newWorld(t)
	people := []Principal{w.principal(phoneA), w.principal(phoneB)}
	key := newPair(t)
	reqs := []KeyRequest{w.request(people[0], key, nil), w.request(people[1], key, nil)}
	errs := race(8, func(i int) error {
		_, err := w.s.RegisterKey(w.ctx, store.Command{ID: fmt.Sprint("racer ", i), At: w.clock.Now()}, people[i%2], reqs[i%2])
		return err
	})
	holders := 0
	for _, p := range people {
		person, err := w.s.Get(w.ctx, p.Person)
		w.must(err)
		holders += len(person.Devices)
	}
	if holders != 1 || count(errs) == 0 {
		t.Errorf("%d hold the key: %v", holders, errs)
	}
	w.check()
}

func TestRevokeKey(t *testing.T) {
	w := newWorld(t)
	p, stranger, key := w.principal(phoneA), w.principal(phoneB), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, key, nil))
	w.must(err)
	w.clock.move(time.Hour)
	w.want(w.s.RevokeKey(w.ctx, w.cmd(), p, key.thumbprint, "because"), fault.Invalid)
	w.want(w.s.RevokeKey(w.ctx, w.cmd(), stranger, key.thumbprint, RevokedLost), fault.NotFound)
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), p, key.thumbprint, RevokedLost))
	w.clock.move(time.Hour)
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), p, key.thumbprint, RevokedCompromised)) // a no-op
	revoked := w.clock.Now().Add(-time.Hour)
	// What it signed before stays signed.
	_, _, err = w.s.KeyAt(w.ctx, p.Person, key.thumbprint, revoked.Add(-time.Nanosecond))
	w.must(err)
	_, _, err = w.s.KeyAt(w.ctx, p.Person, key.thumbprint, revoked)
	w.want(err, fault.Forbidden)
	v, err := w.s.View(w.ctx, p.Person)
	w.must(err)
	if d := v.Devices[0]; !d.Revoked.Equal(revoked) || d.RevokedWhy != RevokedLost {
		t.Errorf("got %+v", d)
	}
	w.check()
}

func TestBindingVerifyRefuses(t *testing.T) {
	w := newWorld(t)
	p, key, other := w.principal(phoneA), newPair(t), newPair(t)
	b, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, key, nil))
	w.must(err)
	foreign, _, err := ParseDeviceKey(other.jwk)
	w.must(err)
	for name, change := range map[string]func(*Binding){
		"person":     func(b *Binding) { b.Person = "p" },
		"thumbprint": func(b *Binding) { b.Thumbprint = other.thumbprint },
		"key":        func(b *Binding) { b.Key = foreign },
		"no key":     func(b *Binding) { b.Key = PublicJWK{} },
		"code":       func(b *Binding) { b.Proof.Code = "c" },
		"early":      func(b *Binding) { b.ActiveFrom = b.Registered.Add(-time.Second) },
		"no wait":    func(b *Binding) { b.Proof.How = ProofWaited },
	} {
		changed := b
		change(&changed)
		if changed.Verify() == nil {
			t.Errorf("%s: verified", name)
		}
	}
}

func TestSigningCode(t *testing.T) {
	w := newWorld(t)
	p := w.principal(phoneA)
	sent, err := w.s.SendOwnCode(w.ctx, w.cmd(), p, PurposeSigning, address)
	w.must(err)
	given := CodeGiven{sent.ID, w.phones.last().Code}
	cmd := w.cmd()
	w.want(w.s.UseOwnCode(w.ctx, cmd, p, PurposeDeviceKey, given), fault.Invalid)
	w.must(w.s.UseOwnCode(w.ctx, cmd, p, PurposeSigning, given))
	w.must(w.s.UseOwnCode(w.ctx, cmd, p, PurposeSigning, given))
	w.want(w.s.UseOwnCode(w.ctx, w.cmd(), p, PurposeSigning, given), fault.Invalid)
	w.check()
}
