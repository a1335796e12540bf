package identity

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// Role is what a person may do everywhere in the house. What they may do in one
// market, employer or cooperative is known to those.
type Role string

// The roles. The set is closed.
const (
	Admin   Role = "admin"   // runs the house: roles, keys, settings
	Auditor Role = "auditor" // sees every trail, changes nothing
)

func (r Role) validate() error {
	if r != Admin && r != Auditor {
		return fault.Field("role", "there is no such role", "give admin or auditor")
	}
	return nil
}

// GrantRole gives a person a platform-wide role, which stands in their access
// tokens from the next refresh on. To give what they have is a no-op. The caller
// has decided that cmd.Actor may do so. The reason is for people to read, 4 to
// 300 characters, kept for ever, and never personal data.
//
// Errors: an [fault.Invalid] fault on "role" or "reason", [store.ErrNotFound].
func (s *Service) GrantRole(ctx context.Context, cmd store.Command, person string, role Role, reason string) error {
	return s.changeRole(ctx, cmd, person, role, reason, true)
}

// RevokeRole takes a role away; it is gone from the access tokens that are out
// too. To take what they lack is a no-op. Else as [Service.GrantRole].
func (s *Service) RevokeRole(ctx context.Context, cmd store.Command, person string, role Role, reason string) error {
	return s.changeRole(ctx, cmd, person, role, reason, false)
}

func (s *Service) changeRole(ctx context.Context, cmd store.Command, person string, role Role, reason string, grant bool) error {
	if err := role.validate(); err != nil {
		return err
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	act := "person.revoke_role"
	if grant {
		act = "person.grant_role"
	}
	_, err = s.people.Update(ctx, person, cmd.Sub(act), func(p *Person) ([]store.Entry, error) {
		if p.Has(role) == grant {
			return nil, nil
		}
		p.setRole(role, grant)
		return []store.Entry{store.Audit(act, reason, map[string]Role{"role": role})}, nil
	})
	return err
}

func (p *Person) setRole(role Role, has bool) {
	p.Roles = slices.DeleteFunc(p.Roles, func(r Role) bool { return r == role })
	if has {
		p.Roles = append(p.Roles, role)
		slices.Sort(p.Roles)
	}
}

// CreateAdmin makes the person of a phone an admin, and the person too if there
// is none. It is for whoever has the machine: hezuo admin create. The name may be
// empty; a name that is there is replaced by one that is given.
//
// Errors: an [fault.Invalid] fault on "phone" or "name", an [fault.Conflict]
// fault when the person is an admin already.
func (s *Service) CreateAdmin(ctx context.Context, cmd store.Command, phone, name string) (View, error) {
	phone, hash, err := s.phone(phone)
	if err != nil {
		return View{}, err
	}
	if cmd.Actor == "" {
		cmd.Actor = "system:admin"
	}
	const why = "made an admin on the machine"
	p, err := s.ensure(ctx, cmd, phone, hash, why)
	if err != nil {
		return View{}, err
	}
	var sealed vault.Sealed
	if strings.TrimSpace(name) != "" {
		if sealed, err = s.sealText(ctx, p.ID, nameField, "name", name); err != nil {
			return View{}, err
		}
	}
	_, err = s.people.Update(ctx, p.ID, cmd.Sub("admin"), func(p *Person) ([]store.Entry, error) {
		if p.Has(Admin) {
			return nil, fault.New(fault.Conflict, "the person with this phone is an admin already").WithFix("nothing is left to do; give another phone to make another admin")
		}
		p.setRole(Admin, true)
		if sealed != "" {
			p.Name = sealed
		}
		return []store.Entry{store.Audit("person.grant_role", why, map[string]Role{"role": Admin})}, nil
	})
	if err != nil {
		return View{}, err
	}
	return s.View(ctx, p.ID)
}

// checkReason trims a reason and refuses one that says nothing, or that looks as
// if it held a phone or identity number: it is kept for ever.
func checkReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < 4 || n > 300 {
		return "", fault.Field("reason", "say why, in 4 to 300 characters", "name the decision or order that this follows")
	}
	run := 0
	for _, r := range text {
		if !unicode.IsDigit(r) {
			run = 0
		} else if run++; run == 11 {
			return "", fault.Field("reason", "this is kept for ever and may not hold a phone or identity number", "name the person by their role, or the case by its id")
		}
	}
	return text, nil
}
