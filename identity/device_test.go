package identity

import (
	"strings"
	"testing"
	"time"

	"hezuo/fault"
)

func TestFirstKeyIsUsableAtOnce(t *testing.T) {
	w := newWorld(t)
	p, key := w.principal(phoneA), newPair(t)
	cmd := w.cmd()
	req := w.request(p, key, nil)
	b, err := w.s.RegisterKey(w.ctx, cmd, p, req)
	w.must(err)
	w.must(b.Verify())
	if b.Person != p.Person || b.Thumbprint != key.thumbprint || b.Proof.How != ProofFirst || !b.ActiveFrom.Equal(w.clock.Now()) {
		t.Errorf("got %+v", b)
	}
	public, stated, err := w.s.KeyAt(w.ctx, p.Person, key.thumbprint, w.clock.Now())
	w.must(err)
	if !public.Equal(&key.private.PublicKey) || stated != b {
		t.Errorf("got %+v", stated)
	}
	_, _, err = w.s.KeyAt(w.ctx, p.Person, key.thumbprint, w.clock.Now().Add(-time.Nanosecond))
	w.want(err, fault.Forbidden)
	_, _, err = w.s.KeyAt(w.ctx, p.Person, "other", w.clock.Now())
	w.want(err, fault.NotFound)
	// A repeat, also long after the code is over.
	for range 2 {
		again, err := w.s.RegisterKey(w.ctx, cmd, p, req)
		w.must(err)
		if again != b {
			t.Errorf("got %+v", again)
		}
		w.clock.move(time.Hour)
	}
	v, err := w.s.View(w.ctx, p.Person)
	w.must(err)
	if len(v.Devices) != 1 || v.Devices[0].Label != nameA+"的手机" {
		t.Errorf("got %+v", v.Devices)
	}
	if told := w.inbox(p); len(told) != 0 {
		t.Errorf("told %v", told)
	}
	w.check()
}

// inbox gives the bodies of a person's inbox.
func (w *world) inbox(p Principal) (told []string) {
	w.t.Helper()
	records, err := w.db.Read(w.ctx, "inbox/"+p.Person, 0, 100)
	w.must(err)
	for _, r := range records {
		if r.Kind == "device_key.added" {
			told = append(told, string(r.Body))
		}
	}
	return told
}

// The number has passed to somebody else, who registers a key of their own.
func TestRecycledPhone(t *testing.T) {
	w := newWorld(t)
	old, oldKey := w.principal(phoneA), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), old, w.request(old, oldKey, nil))
	w.must(err)
	w.clock.move(180 * 24 * time.Hour)

	stranger, key := w.principal(phoneA), newPair(t)
	if stranger.Person != old.Person {
		t.Fatal("another person") // the house cannot tell
	}
	// To revoke what is there shortens nothing.
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), stranger, oldKey.thumbprint, RevokedLost))
	b, err := w.s.RegisterKey(w.ctx, w.cmd(), stranger, w.request(stranger, key, nil))
	w.must(err)
	w.must(b.Verify())
	if b.Proof.How != ProofWaited || !b.ActiveFrom.Equal(w.clock.Now().Add(24*time.Hour)) {
		t.Errorf("got %+v", b)
	}
	if told := w.inbox(old); len(told) != 1 || !strings.Contains(told[0], key.thumbprint) {
		t.Errorf("told %v", told)
	}
	w.clock.move(24*time.Hour - time.Second)
	_, _, err = w.s.KeyAt(w.ctx, stranger.Person, key.thumbprint, w.clock.Now())
	w.want(err, fault.Forbidden)
	// Nor does a key that waits vouch for another.
	next := newPair(t)
	_, err = w.s.RegisterKey(w.ctx, w.cmd(), stranger, w.request(stranger, next, &key))
	w.want(err, fault.Invalid)
	// The old holder was told and acts in time.
	w.must(w.s.RevokeKey(w.ctx, w.cmd(), old, key.thumbprint, RevokedCompromised))
	w.clock.move(time.Hour)
	_, _, err = w.s.KeyAt(w.ctx, stranger.Person, key.thumbprint, w.clock.Now())
	w.want(err, fault.Forbidden)
	w.check()
}

func TestDelayEnds(t *testing.T) {
	w := newWorld(t)
	p, first, second := w.principal(phoneA), newPair(t), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, first, nil))
	w.must(err)
	b, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, second, nil))
	w.must(err)
	w.clock.move(24 * time.Hour)
	_, _, err = w.s.KeyAt(w.ctx, p.Person, second.thumbprint, b.ActiveFrom)
	w.must(err)
	w.check()
}

func TestVouchedKeyIsUsableAtOnce(t *testing.T) {
	w := newWorld(t)
	p, first, second := w.principal(phoneA), newPair(t), newPair(t)
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, first, nil))
	w.must(err)
	w.clock.move(time.Hour)
	b, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, second, &first))
	w.must(err)
	w.must(b.Verify())
	if b.Proof.How != ProofVouched || b.Proof.By != first.thumbprint || !b.ActiveFrom.Equal(w.clock.Now()) {
		t.Errorf("got %+v", b)
	}
	if len(w.inbox(p)) != 1 {
		t.Error("the first device was not told")
	}
	w.check()
}
