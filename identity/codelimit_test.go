package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
)

func TestCodeLimits(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.code(phoneA)
	}
	_, err := w.s.SendCode(w.ctx, w.cmd(), phoneA, "192.0.2.8")
	w.want(err, fault.TooMany)
	var f *fault.Error
	if !errors.As(err, &f) || f.Fix != "try again in 60 min" {
		t.Errorf("fix %q", f.Fix)
	}
	w.clock.move(time.Hour)
	for i := range 60 {
		_, err := w.s.SendCode(w.ctx, w.cmd(), fmt.Sprintf("138%08d", i), address)
		w.must(err)
	}
	_, err = w.s.SendCode(w.ctx, w.cmd(), phoneB, address)
	w.want(err, fault.TooMany)
	_, err = w.s.SendCode(w.ctx, w.cmd(), phoneB, "192.0.2.8")
	w.must(err)
	for key := range w.limiter.used {
		if strings.Contains(key, phoneA) || strings.Contains(key, address) {
			t.Errorf("the limiter was told %q", key)
		}
	}
	w.limiter.down = errors.New("no answer")
	sent := len(w.phones.got)
	_, err = w.s.SendCode(w.ctx, w.cmd(), phoneB, "192.0.2.9")
	w.want(err, fault.Unavailable)
	if len(w.phones.got) != sent {
		t.Error("a code was sent without a limit")
	}
	w.check()
}

// Whoever asks for sign-in codes to somebody's phone must not keep them from
// signing.
func TestLimitsOfPurposesAreApart(t *testing.T) {
	w := newWorld(t)
	p := w.principal(phoneA)
	for range 4 {
		w.code(phoneA)
	}
	_, err := w.s.SendCode(w.ctx, w.cmd(), phoneA, address)
	w.want(err, fault.TooMany)
	_, err = w.s.SendOwnCode(w.ctx, w.cmd(), p, PurposeSigning, address)
	w.must(err)
	_, err = w.s.SendOwnCode(w.ctx, w.cmd(), p, PurposeSignIn, address)
	w.want(err, fault.Invalid)
}

func TestCodeNotSent(t *testing.T) {
	w := newWorld(t)
	w.phones.down = errors.New("no gateway")
	cmd := w.cmd()
	_, err := w.s.SendCode(w.ctx, cmd, phoneA, address)
	w.want(err, fault.Unavailable)
	var f *fault.Error
	if !errors.As(err, &f) || f.Fix == "" {
		t.Error("no fix")
	}
	w.phones.down = nil
	sent, err := w.s.SendCode(w.ctx, cmd, phoneA, address)
	w.must(err)
	if len(w.phones.got) != 1 {
		t.Fatalf("%d messages", len(w.phones.got))
	}
	// It is out: another repeat sends nothing and answers the same.
	again, err := w.s.SendCode(w.ctx, cmd, phoneA, address)
	w.must(err)
	if again != sent || len(w.phones.got) != 1 {
		t.Errorf("got %+v and %d messages, want %+v and one", again, len(w.phones.got), sent)
	}
	_, err = w.s.SignIn(w.ctx, w.cmd(), phoneA, w.phones.last().Code, DeviceInfo{})
	w.must(err)
	w.check()
}

// A known phone and an unknown one: the store sees the same.
func TestNothingTellsWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	w.signIn(phoneA)
	w.db.take()
	var ops [2][]string
	for i, phone := range []string{phoneA, phoneB} {
		// The first code of a phone and the next differ; that is known by asking.
		w.code(phone)
		w.db.take()
		code := w.code(phone)
		if _, err := w.s.SignIn(w.ctx, w.cmd(), phone, other(code, 0), DeviceInfo{}); !errors.Is(err, ErrSignIn) {
			t.Error(err)
		}
		ops[i] = w.db.take()
	}
	if !slices.Equal(ops[0], ops[1]) {
		t.Errorf("known: %v\nunknown: %v", ops[0], ops[1])
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7",
		"::ffff:192.0.2.7":        "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2::9%eth0":    "2001:db8:1:2::/64",
		"what a proxy made of it": "what a proxy made of it",
	} {
		if got := network(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestDigitsAreEven(t *testing.T) {
	w := newWorld(t)
	seen := map[byte]int{}
	for range 2000 {
		digits, err := w.s.newDigits()
		w.must(err)
		if len(digits) != 6 || !isDigits(digits) {
			t.Fatalf("%q", digits)
		}
		seen[digits[0]]++
	}
	for c, n := range seen {
		if n < 120 || n > 290 {
			t.Errorf("%c begins %d of 2000", c, n)
		}
	}
}
