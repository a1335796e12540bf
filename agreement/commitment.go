package agreement

import (
	"fmt"

	"hezuo/matching"
)

// The values that a contract commits to, in the order in which they stand in a
// file.
const (
	fieldFullName       = "full_name"
	fieldIdentityNumber = "identity_number"
	fieldRepresentative = "representative"
)

// committed is one commitment by its field.
type committed struct{ name, commitment string }

// fields lists the commitments that are there.
func (c Commitments) fields() []committed {
	var out []committed
	for _, f := range []committed{
		{fieldFullName, c.FullName}, {fieldIdentityNumber, c.IdentityNumber}, {fieldRepresentative, c.Representative},
	} {
		if f.commitment != "" {
			out = append(out, f)
		}
	}
	return out
}

// set puts the commitment of a field.
func (c *Commitments) set(field, commitment string) {
	switch field {
	case fieldFullName:
		c.FullName = commitment
	case fieldIdentityNumber:
		c.IdentityNumber = commitment
	case fieldRepresentative:
		c.Representative = commitment
	default:
		panic("agreement: no field " + field) // a defect of ours: the set is closed
	}
}

// saltDigits is the length of a salt: 160 random bits in hexadecimal digits. It is
// fixed, so that salt and value cannot be divided elsewhere.
const saltDigits = 40

// commit gives the commitment to a value: the hex SHA-256 of the salt's digits
// followed by the value as a canonical JSON string.
func commit(salt, value string) (string, error) {
	b, err := canonical(value)
	if err != nil {
		return "", err
	}
	return sum(append([]byte(salt), b...)), nil
}

// Disclosure opens one commitment of a contract.
type Disclosure struct {
	Role  matching.Role `json:"role"`
	Field string        `json:"field"`
	Salt  string        `json:"salt"`
	Value string        `json:"value"` // personal data in clear
}

// Format prints no value and no salt, whatever the verb: a disclosure belongs in a
// file and in no log.
func (d Disclosure) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[disclosure of %s's %s]", string(d.Role), d.Field)
}

// checkDisclosures refuses disclosures that are not, in order, all of one side's
// commitments, or of both sides'. A side that is left out (its data were deleted,
// or the file is for somebody who may not see them) is left out whole.
func checkDisclosures(c *Contract, list []Disclosure) error {
	bad := flaw("披露的身份信息与协议中的承诺值不符", "the personal data disclosed are not those that the agreement commits to")
	for _, r := range roles {
		if len(list) == 0 || list[0].Role != r {
			continue
		}
		for _, f := range c.party(r).Commitments.fields() {
			if len(list) == 0 {
				return bad
			}
			d := list[0]
			got, err := commit(d.Salt, d.Value)
			if err != nil || d.Role != r || d.Field != f.name || !isHex(d.Salt, saltDigits) || got != f.commitment {
				return bad
			}
			list = list[1:]
		}
	}
	if len(list) > 0 {
		return bad
	}
	return nil
}
