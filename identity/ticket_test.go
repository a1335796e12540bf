package identity

import (
	"slices"
	"testing"
	"time"

	"hezuo/fault"
)

func TestTicketIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	_, err := w.s.CreateAdmin(w.ctx, w.cmd(), phoneA, "")
	w.must(err)
	p := w.principal(phoneA)
	ticket, err := w.s.Ticket(w.ctx, p, w.clock.Now())
	w.must(err)
	nodes := []*Service{w.s, w.node()}
	got := make([]Principal, 16)
	errs := race(len(got), func(i int) (err error) {
		got[i], err = nodes[i%2].Redeem(w.ctx, ticket)
		return err
	})
	if count(errs) != 1 {
		t.Fatalf("got %v", errs)
	}
	for i, err := range errs {
		if err != nil {
			w.want(err, fault.Unauthenticated)
		} else if g := got[i]; g.Person != p.Person || g.Session != p.Session || !slices.Equal(g.Roles, p.Roles) {
			t.Errorf("got %+v, want %+v", g, p)
		}
	}
	w.check()
}

func TestTicketRefused(t *testing.T) {
	for name, ticket := range map[string]func(w *world, p Principal) string{
		"empty": func(*world, Principal) string { return "" },
		"over": func(w *world, p Principal) string {
			ticket, err := w.s.Ticket(w.ctx, p, w.clock.Now())
			w.must(err)
			w.clock.move(TicketFor)
			return ticket
		},
		"over, swept": func(w *world, p Principal) string {
			ticket, err := w.s.Ticket(w.ctx, p, w.clock.Now())
			w.must(err)
			_, err = w.s.Redeem(w.ctx, ticket)
			w.must(err)
			w.clock.move(time.Hour)
			_, err = w.s.Sweep(w.ctx, w.clock.Now())
			w.must(err)
			return ticket
		},
		"an access token": func(w *world, _ Principal) string { return w.signIn(phoneA).Access },
		"without its id": func(w *world, _ Principal) string {
			return w.forge(func(_ map[string]any, c *claims) { c.Audience[0] = "hezuo/socket" })
		},
		"nobody's session": func(w *world, _ Principal) string {
			ticket, err := w.s.Ticket(w.ctx, Principal{Person: "p", Session: "s"}, w.clock.Now())
			w.must(err)
			return ticket
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.s.Redeem(w.ctx, ticket(w, w.principal(phoneA)))
			w.want(err, fault.Unauthenticated)
			w.check()
		})
	}
}
