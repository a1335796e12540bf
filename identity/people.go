package identity

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// View is a person as one may be shown who is allowed to see their name.
type View struct {
	ID      string
	Phone   string // masked, 138****1234
	Name    string // empty until it was given
	Roles   []Role
	Created time.Time
	Devices []DeviceView
	Erased  bool // the person's data were destroyed; phone, name and labels are empty
}

// Get reads a person. Errors: [store.ErrNotFound].
func (s *Service) Get(ctx context.Context, id string) (Person, error) {
	it, err := s.people.Get(ctx, id)
	return it.Doc, err
}

// View gives a person in clear, the phone masked. Errors: [store.ErrNotFound].
func (s *Service) View(ctx context.Context, id string) (View, error) {
	p, err := s.Get(ctx, id)
	if err != nil {
		return View{}, err
	}
	v := View{ID: p.ID, Roles: p.Roles, Created: p.Created, Erased: !p.Erased.IsZero()}
	open := func(field string, sealed vault.Sealed) string {
		text, openErr := s.cfg.Vault.Open(ctx, p.ID, field, sealed)
		if errors.Is(openErr, vault.ErrDestroyed) {
			v.Erased = true
		} else if openErr != nil {
			err = openErr
		}
		return text
	}
	v.Phone, v.Name = vault.MaskPhone(open(phoneField, p.Phone)), open(nameField, p.Name)
	for _, d := range p.Devices {
		v.Devices = append(v.Devices, d.view(open(deviceField+d.Thumbprint, d.Label)))
	}
	if err != nil {
		return View{}, err
	}
	return v, nil
}

// ByPhone finds the person of a phone. It is for the house's own use, such as
// the command line: no route may show what it answers, or that it answers.
// Errors: an [fault.Invalid] fault on "phone", [store.ErrNotFound].
func (s *Service) ByPhone(ctx context.Context, phone string) (Person, error) {
	_, hash, err := s.phone(phone)
	if err != nil {
		return Person{}, err
	}
	return s.byHash(ctx, hash)
}

func (s *Service) byHash(ctx context.Context, hash string) (Person, error) {
	it, err := s.people.One(ctx, store.Range{Index: "phone", Prefix: store.K(hash)})
	return it.Doc, err
}

// phone brings a number to its one form and gives its hash.
func (s *Service) phone(text string) (phone, hash string, err error) {
	phone = NormalisePhone(text)
	if err := ValidatePhone(phone); err != nil {
		return "", "", err
	}
	return phone, s.cfg.Vault.Hash(phoneKind, phone), nil
}

// SetName gives a person a name, or another one. Errors: an [fault.Invalid]
// fault on "name", [store.ErrNotFound], [vault.ErrDestroyed].
func (s *Service) SetName(ctx context.Context, cmd store.Command, person, name string) error {
	sealed, err := s.sealText(ctx, person, nameField, "name", name)
	if err != nil {
		return err
	}
	_, err = s.people.Update(ctx, person, cmd.Sub("name"), func(p *Person) ([]store.Entry, error) {
		p.Name = sealed
		return []store.Entry{store.Audit("person.name", "", nil)}, nil
	})
	return err
}

// MaxText is the longest name of a person or label of a device, in characters.
const MaxText = 40

// sealText checks one line of text and seals it. The person must be there: a
// sealed value would make a key for one who is not.
func (s *Service) sealText(ctx context.Context, person, field, input, text string) (vault.Sealed, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", fault.Field(input, "it is empty", "write 1 to 40 characters")
	case utf8.RuneCountInString(text) > MaxText:
		return "", fault.Field(input, "it has more than 40 characters", "shorten it")
	case !utf8.ValidString(text), strings.ContainsFunc(text, unicode.IsControl):
		return "", fault.Field(input, "it holds characters that are no text", "write it on one line")
	}
	if _, err := s.people.Get(ctx, person); err != nil {
		return "", err
	}
	return s.cfg.Vault.Seal(ctx, person, field, text)
}

// ensure finds the person of a phone, or makes one. Of several callers who race,
// all get the one whom the unique index let in; a key that the vault made for
// another stays unused.
func (s *Service) ensure(ctx context.Context, cmd store.Command, phone, hash, why string) (Person, error) {
	var err error
	for range 3 {
		var p Person
		if p, err = s.byHash(ctx, hash); !errors.Is(err, store.ErrNotFound) {
			return p, err
		}
		if p, err = s.create(ctx, cmd, phone, hash, why); !errors.Is(err, store.ErrDuplicate) {
			return p, err
		}
	}
	return Person{}, err
}

func (s *Service) create(ctx context.Context, cmd store.Command, phone, hash, why string) (Person, error) {
	id, err := s.newID("p")
	if err != nil {
		return Person{}, err
	}
	sealed, err := s.cfg.Vault.Seal(ctx, id, phoneField, phone)
	if err != nil {
		return Person{}, err
	}
	if cmd.Actor == "" { // a first sign-in is the person's own act
		cmd.Actor = id
	}
	it, err := s.people.Create(ctx, id, cmd.Sub("person"), func(p *Person) ([]store.Entry, error) {
		*p = Person{ID: id, Phone: sealed, PhoneHash: hash, Created: cmd.At.UTC()}
		return []store.Entry{store.Audit("person.create", why, nil)}, nil
	})
	return it.Doc, err
}
