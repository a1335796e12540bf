package identity

import (
	"fmt"
	"slices"
	"testing"

	"hezuo/fault"
	"hezuo/store"
)

func TestFirstSignInsMakeOnePerson(t *testing.T) {
	w := newWorld(t)
	nodes := []*Service{w.s, w.node()}
	hash := w.vault.Hash(phoneKind, phoneA)
	ids := make([]string, 16)
	for _, err := range race(len(ids), func(i int) error {
		cmd := store.Command{ID: fmt.Sprint("racer ", i), At: w.clock.Now()}
		p, err := nodes[i%2].ensure(w.ctx, cmd, phoneA, hash, "first sign-in")
		ids[i] = p.ID
		return err
	}) {
		w.must(err)
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("two people: %v", ids)
		}
	}
	if id := w.signIn(phoneA).Person; id != ids[0] {
		t.Errorf("signed in as %s, not %s", id, ids[0])
	}
	w.check()
}

func TestPerson(t *testing.T) {
	w := newWorld(t)
	tokens := w.signIn(phoneA)
	if len(tokens.Person) != 21 || tokens.Person[0] != 'p' {
		t.Errorf("id %q", tokens.Person)
	}
	for _, bad := range []string{"", " ", "a\nb", "\xff", string(slices.Repeat([]rune{'张'}, 41))} {
		w.want(w.s.SetName(w.ctx, command(w, tokens.Person), tokens.Person, bad), fault.Invalid)
	}
	w.want(w.s.SetName(w.ctx, command(w, "p"), "nobody", nameA), fault.NotFound)
	w.must(w.s.SetName(w.ctx, command(w, tokens.Person), tokens.Person, " "+nameA+" "))
	v, err := w.s.View(w.ctx, tokens.Person)
	w.must(err)
	if v.Phone != "138****8000" || v.Name != nameA || v.Erased || !v.Created.Equal(w.clock.Now()) {
		t.Errorf("got %+v", v)
	}
	if acts := w.trail("people", v.ID); !slices.Equal(acts, []string{"person.create", "person.name"}) {
		t.Errorf("trail %v", acts)
	}
	w.check()
}

func TestErasedPersonIsShownEmpty(t *testing.T) {
	w := newWorld(t)
	p := w.principal(phoneA)
	tokens := w.signIn(phoneA)
	w.must(w.s.SetName(w.ctx, command(w, p.Person), p.Person, nameA))
	w.must(w.vault.Destroy(w.ctx, command(w, p.Person), p.Person, "at the person's wish"))
	v, err := w.s.View(w.ctx, p.Person)
	w.must(err)
	if !v.Erased || v.Name != "" || v.Phone != "" {
		t.Errorf("got %+v", v)
	}
	_, err = w.s.Refresh(w.ctx, w.cmd(), tokens.Refresh, DeviceInfo{ID: laptopID})
	w.want(err, fault.Unauthenticated)
}

// command is a new command of an actor.
func command(w *world, actor string) store.Command {
	cmd := w.cmd()
	cmd.Actor = actor
	return cmd
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	admin, err := w.s.CreateAdmin(w.ctx, w.cmd(), phoneB, "管理员")
	w.must(err)
	if !slices.Equal(admin.Roles, []Role{Admin}) || admin.Name != "管理员" {
		t.Errorf("got %+v", admin)
	}
	_, err = w.s.CreateAdmin(w.ctx, w.cmd(), phoneB, "")
	w.want(err, fault.Conflict)
	tokens := w.signIn(phoneA)
	grant := func(role Role, why string) error {
		return w.s.GrantRole(w.ctx, command(w, admin.ID), tokens.Person, role, why)
	}
	w.want(grant("king", "he wished it"), fault.Invalid)
	w.want(grant(Auditor, "   "), fault.Invalid)
	w.want(grant(Auditor, "for "+phoneA), fault.Invalid)
	w.must(grant(Auditor, "audit of 2026"))
	w.must(grant(Auditor, "audit of 2026")) // a no-op
	p := w.principal(phoneA)
	if !p.Has(Auditor) || p.Has(Admin) {
		t.Errorf("roles %v", p.Roles)
	}
	w.must(w.s.RevokeRole(w.ctx, command(w, admin.ID), p.Person, Auditor, "the audit is over"))
	want := []string{"person.create", "person.grant_role", "person.revoke_role"}
	if acts := w.trail("people", p.Person); !slices.Equal(acts, want) {
		t.Errorf("trail %v", acts)
	}
	w.check()
}

func TestCreateAdminRepeats(t *testing.T) {
	w := newWorld(t)
	cmd := w.cmd()
	first, err := w.s.CreateAdmin(w.ctx, cmd, phoneA, nameA)
	w.must(err)
	again, err := w.s.CreateAdmin(w.ctx, cmd, phoneA, nameA)
	w.must(err)
	if first.ID != again.ID {
		t.Error("two admins")
	}
	errs := race(8, func(i int) error {
		_, err := w.s.CreateAdmin(w.ctx, store.Command{ID: fmt.Sprint("racer ", i), At: w.clock.Now()}, phoneB, "")
		return err
	})
	if count(errs) != 1 {
		t.Errorf("got %v", errs)
	}
	w.check()
}

// Taking a role away works on tokens that are out.
func TestRevokedRoleIsGoneAtOnce(t *testing.T) {
	w := newWorld(t)
	v, err := w.s.CreateAdmin(w.ctx, w.cmd(), phoneA, "")
	w.must(err)
	tokens := w.signIn(phoneA)
	p, err := w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
	if !p.Has(Admin) {
		t.Fatal("no role")
	}
	w.must(w.s.RevokeRole(w.ctx, command(w, v.ID), v.ID, Admin, "left the office"))
	p, err = w.s.Authenticate(w.ctx, tokens.Access)
	w.must(err)
	if p.Has(Admin) {
		t.Error("still an admin")
	}
	w.check()
}
