package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// other gives six digits that are not the code.
func other(code string, i int) string {
	n := 0
	_, _ = fmt.Sscanf(code, "%d", &n)
	return fmt.Sprintf("%06d", (n+1+i)%1_000_000)
}

func TestSignInRefusesAlike(t *testing.T) {
	tests := map[string]func(w *world) (phone, code string){
		"wrong":             func(w *world) (string, string) { return phoneA, other(w.code(phoneA), 0) },
		"none was sent":     func(*world) (string, string) { return phoneA, "123456" },
		"of another phone":  func(w *world) (string, string) { w.code(phoneB); return phoneB, other(w.code(phoneA), 0) },
		"empty":             func(w *world) (string, string) { w.code(phoneA); return phoneA, "" },
		"too long":          func(w *world) (string, string) { return phoneA, w.code(phoneA) + "0" },
		"letters":           func(w *world) (string, string) { w.code(phoneA); return phoneA, "abcdef" },
		"a hash":            func(w *world) (string, string) { w.code(phoneA); return phoneA, strings.Repeat("0", 40) },
		"over, to the hour": func(w *world) (string, string) { c := w.code(phoneA); w.clock.move(CodeFor); return phoneA, c },
		"replaced": func(w *world) (string, string) {
			first := w.code(phoneA)
			if w.code(phoneA) == first { // one in a million
				w.code(phoneA)
			}
			return phoneA, first
		},
		"used": func(w *world) (string, string) {
			code := w.code(phoneA)
			_, err := w.s.SignIn(w.ctx, w.cmd(), phoneA, code, DeviceInfo{})
			w.must(err)
			return phoneA, code
		},
		"of another purpose": func(w *world) (string, string) {
			p := w.principal(phoneA)
			_, err := w.s.SendOwnCode(w.ctx, w.cmd(), p, PurposeSigning, address)
			w.must(err)
			return phoneA, w.phones.last().Code
		},
	}
	for name, setup := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			phone, code := setup(w)
			_, err := w.s.SignIn(w.ctx, w.cmd(), phone, code, DeviceInfo{})
			if !errors.Is(err, ErrSignIn) || err.Error() != ErrSignIn.Error() {
				t.Errorf("got %v", err)
			}
			w.check()
		})
	}
}

func TestSignInAcceptsWhatPeopleType(t *testing.T) {
	w := newWorld(t)
	code := w.code(" +86 138-0013-8000 ")
	w.clock.move(CodeFor - time.Millisecond)
	tokens, err := w.s.SignIn(w.ctx, w.cmd(), "１３８００１３８０００", " "+code[:3]+" "+code[3:], DeviceInfo{})
	w.must(err)
	if p, err := w.s.ByPhone(w.ctx, phoneA); err != nil || p.ID != tokens.Person {
		t.Errorf("got %v, %v", p.ID, err)
	}
	_, err = w.s.SendCode(w.ctx, w.cmd(), "12345", address)
	w.want(err, fault.Invalid)
	w.check()
}

func TestGuessesAreCounted(t *testing.T) {
	for name, command := range map[string]func(w *world, i int) store.Command{
		"commands of their own": func(w *world, i int) store.Command {
			return store.Command{ID: fmt.Sprint("guess ", i), At: w.clock.Now()}
		},
		// A repeat is not counted: to guess under one command must not pass for one.
		"one command": func(w *world, _ int) store.Command {
			return store.Command{ID: "guess", At: w.clock.Now()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			code := w.code(phoneA)
			nodes := []*Service{w.s, w.node()}
			errs := race(20, func(i int) error {
				_, err := nodes[i%2].SignIn(w.ctx, command(w, i), phoneA, other(code, i), DeviceInfo{})
				return err
			})
			for _, err := range errs {
				if !errors.Is(err, ErrSignIn) {
					t.Errorf("got %v", err)
				}
			}
			it, err := w.s.codes.Get(w.ctx, codeID(w.vault.Hash(phoneKind, phoneA), PurposeSignIn))
			w.must(err)
			if it.Doc.Tries != CodeTries {
				t.Errorf("%d guesses were taken", it.Doc.Tries)
			}
			_, err = w.s.SignIn(w.ctx, command(w, 99), phoneA, code, DeviceInfo{})
			if !errors.Is(err, ErrSignIn) {
				t.Errorf("the right code after %d wrong ones: %v", CodeTries, err)
			}
			w.check()
		})
	}
}

func TestLastTryCounts(t *testing.T) {
	w := newWorld(t)
	code := w.code(phoneA)
	for i := range CodeTries - 1 {
		if _, err := w.s.SignIn(w.ctx, w.cmd(), phoneA, other(code, i), DeviceInfo{}); !errors.Is(err, ErrSignIn) {
			t.Fatal(err)
		}
	}
	_, err := w.s.SignIn(w.ctx, w.cmd(), phoneA, code, DeviceInfo{})
	w.must(err)
}

func TestCodeIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	code := w.code(phoneA)
	nodes := []*Service{w.s, w.node()}
	errs := race(16, func(i int) error {
		_, err := nodes[i%2].SignIn(w.ctx, store.Command{ID: fmt.Sprint("racer ", i), At: w.clock.Now()}, phoneA, code, DeviceInfo{})
		return err
	})
	if n := count(errs); n != 1 {
		t.Errorf("%d signed in: %v", n, errs)
	}
	w.check()
}

func TestSignInRepeats(t *testing.T) {
	w := newWorld(t)
	code, cmd := w.code(phoneA), w.cmd()
	tokens := make([]Tokens, 8)
	for _, err := range race(len(tokens), func(i int) (err error) {
		tokens[i], err = w.s.SignIn(w.ctx, cmd, phoneA, code, DeviceInfo{ID: laptopID})
		return err
	}) {
		w.must(err)
	}
	for _, tok := range tokens {
		if tok.Session != tokens[0].Session || tok.Refresh != tokens[0].Refresh || tok.Person != tokens[0].Person {
			t.Errorf("one command made two sessions")
		}
	}
	// The command alone is worth nothing, nor another device, nor later.
	for name, again := range map[string]func() error{
		"wrong code": func() error {
			_, err := w.s.SignIn(w.ctx, cmd, phoneA, other(code, 0), DeviceInfo{ID: laptopID})
			return err
		},
		"other device": func() error { _, err := w.s.SignIn(w.ctx, cmd, phoneA, code, DeviceInfo{}); return err },
		"later": func() error {
			late := cmd
			late.At = late.At.Add(CodeFor)
			_, err := w.s.SignIn(w.ctx, late, phoneA, code, DeviceInfo{ID: laptopID})
			return err
		},
	} {
		if err := again(); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.check()
}

// A guess that was wrong stays wrong for its command, though a later code happens
// to be the same: a repeat uses nothing up.
func TestRepeatedGuessIsNotRightLater(t *testing.T) {
	w := newWorld(t)
	guess, cmd := other(w.code(phoneA), 0), w.cmd()
	_, err := w.s.SignIn(w.ctx, cmd, phoneA, guess, DeviceInfo{})
	if !errors.Is(err, ErrSignIn) {
		t.Fatal(err)
	}
	hash := w.vault.Hash(phoneKind, phoneA)
	_, err = w.s.codes.Update(w.ctx, codeID(hash, PurposeSignIn), command(w, "system:test"), func(d *codeDoc) ([]store.Entry, error) {
		d.Hash, d.Tries = w.s.codeHash(hash, PurposeSignIn, guess), 0
		return nil, nil
	})
	w.must(err)
	if _, err = w.s.SignIn(w.ctx, cmd, phoneA, guess, DeviceInfo{}); !errors.Is(err, ErrSignIn) {
		t.Errorf("got %v", err)
	}
	_, err = w.s.SignIn(w.ctx, w.cmd(), phoneA, guess, DeviceInfo{})
	w.must(err)
}
