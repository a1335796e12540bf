package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

var laptop = DeviceInfo{ID: laptopID}

func TestRefresh(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	seen := map[string]bool{tokens.Refresh: true}
	for range 5 {
		w.clock.move(14 * time.Minute)
		next, err := w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
		w.must(err)
		if seen[next.Refresh] || next.Session != tokens.Session || next.Access == tokens.Access {
			t.Errorf("got %+v", next)
		}
		if want := w.clock.Now().Add(60 * 24 * time.Hour); !next.RefreshExpires.Equal(want) {
			t.Errorf("expires %v, want %v", next.RefreshExpires, want)
		}
		seen[next.Refresh] = true
		_, err = w.s.Authenticate(w.ctx, next.Access)
		w.must(err)
		tokens = next
	}
	if strings.Contains(w.dump(), tokens.Refresh) {
		t.Error("a refresh token is in the store")
	}
	w.check()
}

func TestRefreshExpires(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	w.clock.move(60*24*time.Hour - time.Second)
	next, err := w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
	w.must(err)
	w.clock.move(60 * 24 * time.Hour)
	_, err = w.s.Refresh(w.ctx, w.cmd(), next.Refresh, laptop)
	w.want(err, fault.Unauthenticated)
	w.check()
}

// Each is shown once a first refresh has been made, and says whether the session
// lives on.
func TestOldRefreshTokens(t *testing.T) {
	tests := []struct {
		name   string
		after  time.Duration
		turns  int // more refreshes in between
		device DeviceInfo
		same   bool // the same answer again
	}{
		{"at once", 0, 0, laptop, true},
		{"after 10 s", RepeatFor, 0, laptop, true},
		{"later", RepeatFor + time.Millisecond, 0, laptop, false},
		{"two turns back", time.Second, 1, laptop, false},
		{"another device", time.Second, 0, DeviceInfo{ID: "a thief's"}, false},
		{"no device", time.Second, 0, DeviceInfo{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			first := w.signIn(phoneA)
			next, err := w.s.Refresh(w.ctx, w.cmd(), first.Refresh, laptop)
			w.must(err)
			newest := next
			for range tt.turns {
				newest, err = w.s.Refresh(w.ctx, w.cmd(), newest.Refresh, laptop)
				w.must(err)
			}
			w.clock.move(tt.after)
			again, err := w.s.Refresh(w.ctx, w.cmd(), first.Refresh, tt.device)
			if tt.same {
				w.must(err)
				if again.Refresh != next.Refresh {
					t.Error("another token")
				}
				_, err = w.s.Refresh(w.ctx, w.cmd(), again.Refresh, laptop)
				w.must(err)
				w.check()
				return
			}
			w.want(err, fault.Unauthenticated)
			// The whole family is over.
			_, err = w.s.Refresh(w.ctx, w.cmd(), newest.Refresh, laptop)
			w.want(err, fault.Unauthenticated)
			_, err = w.s.Authenticate(w.ctx, newest.Access)
			w.want(err, fault.Unauthenticated)
			if active, err := w.s.SessionActive(w.ctx, first.Session); active || err != nil {
				t.Errorf("active %v, %v", active, err)
			}
			if acts := w.trail("sessions", first.Session); acts[len(acts)-1] != "session.end" {
				t.Errorf("trail %v", acts)
			}
			if !strings.Contains(w.logged.String(), first.Session) {
				t.Error("nothing was logged")
			}
			w.check()
		})
	}
}

// A genuine token that another device shows was taken from its own.
func TestRefreshOnAnotherDevice(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	_, err := w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, DeviceInfo{ID: "a thief's"})
	w.want(err, fault.Unauthenticated)
	_, err = w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
	w.want(err, fault.Unauthenticated)
	w.check()
}

// What is no token of ours ends no session.
func TestForgedRefreshTokens(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	parts := strings.Split(tokens.Refresh, ".")
	others := strings.Split(w.signIn(phoneB).Refresh, ".")
	for _, forged := range []string{
		"", ".", "..", "...", parts[0], strings.Repeat("a", 1000),
		parts[0] + ".0." + others[2],
		parts[0] + ".1." + parts[2],
		parts[0] + ".00." + parts[2],
		parts[0] + ".-0." + parts[2],
		parts[0] + ".99999999999999999999." + parts[2],
		others[0] + ".0." + parts[2],
		"nobody.0." + parts[2],
		parts[0] + ".0." + parts[2][:42],
		tokens.Refresh + "=", tokens.Refresh + "\n", strings.ToUpper(tokens.Refresh),
	} {
		_, err := w.s.Refresh(w.ctx, w.cmd(), forged, laptop)
		w.want(err, fault.Unauthenticated)
	}
	_, err := w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
	w.must(err)
	w.check()
}

func TestRefreshRacesGiveOneToken(t *testing.T) {
	for name, id := range map[string]func(i int) string{
		"commands of their own": func(i int) string { return fmt.Sprint("racer ", i) },
		"one command":           func(int) string { return "one" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tokens := w.signIn(phoneA)
			nodes := []*Service{w.s, w.node()}
			got := make([]Tokens, 16)
			for _, err := range race(len(got), func(i int) (err error) {
				cmd := store.Command{ID: id(i), At: w.clock.Now().Add(time.Duration(i) * time.Millisecond)}
				got[i], err = nodes[i%2].Refresh(w.ctx, cmd, tokens.Refresh, laptop)
				return err
			}) {
				w.must(err)
			}
			for _, g := range got {
				if g.Refresh != got[0].Refresh {
					t.Fatal("two tokens")
				}
			}
			if acts := w.trail("sessions", tokens.Session); !slices.Equal(acts, []string{"session.start", "session.refresh"}) {
				t.Errorf("trail %v", acts)
			}
			w.check()
		})
	}
}

// The thief and the owner race with the same token from two devices: the session
// does not survive it, whoever is first.
func TestRefreshRaceWithThief(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	errs := race(8, func(i int) error {
		device := laptop
		if i == 3 {
			device = DeviceInfo{ID: "a thief's"}
		}
		_, err := w.s.Refresh(w.ctx, store.Command{ID: "one", At: w.clock.Now()}, tokens.Refresh, device)
		return err
	})
	w.want(errs[3], fault.Unauthenticated)
	if active, err := w.s.SessionActive(w.ctx, tokens.Session); active || err != nil {
		t.Errorf("active %v, %v", active, err)
	}
	w.check()
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	tokens, other := w.signIn(phoneA), w.signIn(phoneA)
	p, err := w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
	ticket, err := w.s.Ticket(w.ctx, p, w.clock.Now())
	w.must(err)
	if active, err := w.s.SessionActive(w.ctx, p.Session); !active || err != nil {
		t.Errorf("active %v, %v", active, err)
	}
	w.want(w.s.SignOut(w.ctx, w.cmd(), Principal{Person: "p", Session: p.Session}), fault.Unauthenticated)
	w.must(w.s.SignOut(w.ctx, w.cmd(), p))
	w.must(w.s.SignOut(w.ctx, w.cmd(), p))
	w.must(w.s.SignOut(w.ctx, w.cmd(), Principal{Person: p.Person, Session: "none"}))
	_, err = w.s.Authenticate(w.ctx, tokens.Access)
	w.want(err, fault.Unauthenticated)
	_, err = w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, laptop)
	w.want(err, fault.Unauthenticated)
	_, err = w.s.Redeem(w.ctx, ticket)
	w.want(err, fault.Unauthenticated)
	if active, err := w.s.SessionActive(w.ctx, p.Session); active || err != nil {
		t.Errorf("active %v, %v", active, err)
	}
	_, err = w.s.Authenticate(w.ctx, other.Access)
	w.must(err)
	w.check()
}

// Whoever repeats a command, to the instant, is still asked for the device.
func TestRefreshRepeatOnAnotherDevice(t *testing.T) {
	w := newWorld(t)
	tokens, cmd := w.signIn(phoneA), w.cmd()
	_, err := w.s.Refresh(w.ctx, cmd, tokens.Refresh, laptop)
	w.must(err)
	_, err = w.s.Refresh(w.ctx, cmd, tokens.Refresh, DeviceInfo{ID: "a thief's"})
	w.want(err, fault.Unauthenticated)
	w.check()
}
