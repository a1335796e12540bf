package identity

import (
	"context"

	"hezuo/store"
)

// Erase deletes a person's data (个人信息保护法 47): what was sealed of them
// anywhere is noise from then on, their phone finds nobody, and no session of
// theirs can be refreshed. Their device keys' public parts stay, by which what
// they signed is verified; they are revoked. The id stays and stands for nobody.
//
// Repeating it finishes what was begun. Errors: [store.ErrNotFound]; an
// [fault.Invalid] fault on "why"; [store.ErrUnknown] (repeat).
func (s *Service) Erase(ctx context.Context, cmd store.Command, person, why string) error {
	why, err := checkReason(why)
	if err != nil {
		return err
	}
	_, err = s.people.Update(ctx, person, cmd.Sub("erase"), func(p *Person) ([]store.Entry, error) {
		if !p.Erased.IsZero() {
			return nil, nil
		}
		p.Phone, p.PhoneHash, p.Name, p.Roles, p.Erased = "", "", "", nil, cmd.At.UTC()
		for i := range p.Devices {
			p.Devices[i].Label = ""
			if p.Devices[i].Revoked.IsZero() {
				p.Devices[i].Revoked, p.Devices[i].RevokedWhy = cmd.At.UTC(), RevokedReplaced
			}
		}
		return []store.Entry{store.Audit("person.erase", why, nil)}, nil
	})
	if err != nil {
		return err
	}
	return s.cfg.Vault.Destroy(ctx, cmd, person, why)
}
