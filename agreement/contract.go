package agreement

import (
	"slices"

	"hezuo/matching"
)

// The names of version 1.
const (
	contractType = "hezuo.labour-service-agreement"
	version      = 1
)

// statement is what every contract of version 1 says of itself: labour service by
// a cooperative or another owner of a team, and no labour dispatch (意见二（一）).
const statement = "本协议为劳务服务协议：由农村劳务合作社（或其他劳务队所有方）按约定条款组织人员为用工主体提供劳务服务，" +
	"双方的权利和义务以所附条款为准；本协议不含劳务派遣，任何一方不得据此实施劳务派遣。"

// Contract is what both sides sign. Its canonical bytes are the payload of their
// signatures.
type Contract struct {
	Type        string  `json:"type"`
	Version     int     `json:"version"`
	Handshake   string  `json:"handshake"`
	Job         string  `json:"job"`
	Team        string  `json:"team"`
	Market      string  `json:"market"` // county code
	Parties     Parties `json:"parties"`
	Terms       Terms   `json:"terms"`
	TermsSHA256 string  `json:"terms_sha256"` // hex, of the terms' canonical bytes
	Statement   string  `json:"statement"`
}

// Parties are the two sides.
type Parties struct {
	Employer Party `json:"employer"`
	Owner    Party `json:"owner"` // the team's
}

// Party is one side as the contract names it.
type Party struct {
	ID          string      `json:"id"`
	Kind        string      `json:"kind"`
	Name        string      `json:"name"` // registered; of an individual: masked
	CreditCode  string      `json:"credit_code,omitempty"`
	Licence     string      `json:"licence,omitempty"` // an agency's (人力资源市场暂行条例 18)
	Commitments Commitments `json:"commitments"`
}

// Commitments stand for what is not said in clear: each is the hex SHA-256 of a
// salt and the value; see [Disclosure].
type Commitments struct {
	FullName       string `json:"full_name,omitempty"`
	IdentityNumber string `json:"identity_number,omitempty"`
	Representative string `json:"representative,omitempty"`
}

// roles are the sides, in the order in which a contract's signatures stand.
var roles = []matching.Role{matching.Employer, matching.Owner}

// party gives one side.
func (c *Contract) party(r matching.Role) *Party {
	if r == matching.Employer {
		return &c.Parties.Employer
	}
	return &c.Parties.Owner
}

// ParseContract reads a contract from its canonical bytes and checks all that it
// can prove by itself. Errors: a [*Flaw].
func ParseContract(payload []byte) (Contract, error) {
	c, err := decode[Contract](payload, maxContract)
	if err != nil {
		return Contract{}, err
	}
	if err := c.check(); err != nil {
		return Contract{}, err
	}
	return c, nil
}

func (c *Contract) check() error {
	switch {
	case c.Type != contractType || c.Version != version:
		return flaw("不是本版本的劳务服务协议", "it is no service agreement of a known version")
	case c.Handshake == "" || c.Job == "" || c.Team == "" || c.Market == "":
		return flaw("协议缺少对接、用工需求、劳务队或市场的编号", "it does not name its handshake, job, team and market")
	case c.Statement != statement:
		return flaw("协议缺少“不含劳务派遣”的声明，或声明被改动", "the statement that it is no labour dispatch is missing or was changed")
	}
	for _, r := range roles {
		if err := c.party(r).check(r); err != nil {
			return err
		}
	}
	if c.Parties.Employer.ID == c.Parties.Owner.ID {
		return flaw("双方是同一主体", "both sides are the same party")
	}
	if err := c.Terms.check(); err != nil {
		return err
	}
	if hash, err := c.Terms.hash(); err != nil || hash != c.TermsSHA256 {
		return flaw("条款与其摘要不符", "the terms are not those of their hash")
	}
	return nil
}

// hash gives the hex SHA-256 of the terms' canonical bytes, which is the hash by
// which both sides accepted them.
func (t Terms) hash() (string, error) {
	b, err := canonical(t)
	if err != nil {
		return "", err
	}
	return sum(b), nil
}

func (p *Party) check(r matching.Role) error {
	bad := flaw("协议对当事方的记载不完整", "what it says of a party is incomplete or contradicts itself")
	kinds := []string{"company", "individual", "cooperative", "agency"}
	if r == matching.Employer {
		kinds = kinds[:2]
	}
	if p.ID == "" || p.Name == "" || !slices.Contains(kinds, p.Kind) || (p.Kind == "individual") != (p.CreditCode == "") || (p.Kind == "agency") != (p.Licence != "") {
		return bad
	}
	committed := p.Commitments.fields()
	for _, f := range committed {
		if !isHex(f.commitment, 64) || (f.name == fieldRepresentative) != (p.Kind != "individual") {
			return bad
		}
	}
	if len(committed) == 0 {
		return bad
	}
	return nil
}
