package identity

import (
	"slices"
	"time"

	"hezuo/store"
	"hezuo/vault"
)

// Person is somebody who has signed in once, or was made an admin. The sealed
// values belong to the owner with the person's id; the fields are "phone",
// "name" and "device/" with a key's thumbprint.
type Person struct {
	ID    string       `json:"id"`
	Phone vault.Sealed `json:"phone"`
	// PhoneHash is the keyed hash by which a phone's person is found; no two
	// people have the same.
	PhoneHash string       `json:"phone_hash"`
	Name      vault.Sealed `json:"name,omitempty"`
	Roles     []Role       `json:"roles,omitempty"` // sorted
	Devices   []Device     `json:"devices,omitempty"`
	Created   time.Time    `json:"created"`
	Erased    time.Time    `json:"erased,omitzero"` // when their data was deleted; see [Service.Erase]
}

// Has reports whether the person has a platform-wide role.
func (p *Person) Has(role Role) bool { return slices.Contains(p.Roles, role) }

// The fields of a person that are sealed, and the kind of the phone's hash.
const (
	phoneField  = "phone"
	nameField   = "name"
	deviceField = "device/" // and the thumbprint
	phoneKind   = "phone"
)

func peopleSpec() store.Spec[Person] {
	return store.Spec[Person]{
		Name: "people",
		Indexes: []store.Index[Person]{
			{Name: "phone", Version: 1, Unique: true, Keys: func(_ string, p *Person) []store.Key {
				if p.PhoneHash == "" {
					return nil
				}
				return []store.Key{store.K(p.PhoneHash)}
			}},
			// A key belongs to one person for ever: revoked ones stay.
			{Name: "device", Version: 1, Unique: true, Keys: func(_ string, p *Person) []store.Key {
				keys := make([]store.Key, len(p.Devices))
				for i, d := range p.Devices {
					keys[i] = store.K(d.Thumbprint)
				}
				return keys
			}},
		},
	}
}
