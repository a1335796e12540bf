package identity

import (
	"testing"
	"time"

	"hezuo/fault"
)

// What an erased person signed is still verified; nothing else of them is left,
// and their phone begins anew.
func TestErase(t *testing.T) {
	w := newWorld(t)
	p, key := w.principal(phoneA), newPair(t)
	tokens := w.signIn(phoneA)
	w.must(w.s.SetName(w.ctx, command(w, p.Person), p.Person, nameA))
	_, err := w.s.RegisterKey(w.ctx, w.cmd(), p, w.request(p, key, nil))
	w.must(err)
	signed := w.clock.Now()
	w.clock.move(time.Hour)

	erase := command(w, "system:console")
	w.must(w.s.Erase(w.ctx, erase, p.Person, "at the person's wish"))
	w.must(w.s.Erase(w.ctx, erase, p.Person, "at the person's wish"))

	v, err := w.s.View(w.ctx, p.Person)
	w.must(err)
	if !v.Erased || v.Name != "" || v.Phone != "" || len(v.Devices) != 1 || v.Devices[0].Label != "" {
		t.Errorf("left: %+v", v)
	}
	_, err = w.s.ByPhone(w.ctx, phoneA)
	w.want(err, fault.NotFound)
	_, err = w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, DeviceInfo{ID: laptopID})
	w.want(err, fault.Unauthenticated)
	if _, _, err := w.s.KeyAt(w.ctx, p.Person, key.thumbprint, signed); err != nil {
		t.Errorf("what was signed before cannot be verified: %v", err)
	}
	_, _, err = w.s.KeyAt(w.ctx, p.Person, key.thumbprint, w.clock.Now())
	w.want(err, fault.Forbidden)
	if again := w.principal(phoneA); again.Person == p.Person {
		t.Error("whoever has the phone next is taken for the erased person")
	}
	w.check()
}

func TestEraseRefuses(t *testing.T) {
	w := newWorld(t)
	p := w.principal(phoneA)
	w.want(w.s.Erase(w.ctx, command(w, "system:console"), p.Person, ""), fault.Invalid)
	w.want(w.s.Erase(w.ctx, command(w, "system:console"), "nobody", "at the person's wish"), fault.NotFound)
}
