package market

import (
	"errors"
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/store"
	"hezuo/vault"
)

// PartyKind is what a party is. The set is closed.
type PartyKind string

// The kinds of party.
const (
	Company     PartyKind = "company"     // an employer (用工主体) that is registered
	Individual  PartyKind = "individual"  // an employer who is a natural person
	Cooperative PartyKind = "cooperative" // 农村劳务合作社
	Agency      PartyKind = "agency"      // 人力资源服务机构, licensed (人力资源市场暂行条例 art 18)
)

// Employs reports whether a party of this kind posts jobs.
func (k PartyKind) Employs() bool { return k == Company || k == Individual }

// Verification is where an operator's check of a party stands.
type Verification string

// The states of verification.
const (
	Pending   Verification = "pending"
	Verified  Verification = "verified"
	Refused   Verification = "refused"
	Suspended Verification = "suspended"
)

// VerifiedMonths is how long a verification holds (五部门, January 2026: posters
// are verified again at least every 6 months).
const VerifiedMonths = 6

// Party is somebody who posts: an employer, a cooperative or an agency. One
// person may act for several parties, and a party may have several people.
type Party struct {
	Kind           PartyKind    `json:"kind"`
	Market         string       `json:"market"` // county code of its home market
	Name           string       `json:"name"`   // of an individual: masked
	FullName       vault.Sealed `json:"full_name,omitempty"`
	CreditCode     string       `json:"credit_code,omitempty"`
	IdentityNumber vault.Sealed `json:"identity_number,omitempty"`
	Representative vault.Sealed `json:"representative,omitempty"`
	ContactName    vault.Sealed `json:"contact_name"`
	ContactPhone   vault.Sealed `json:"contact_phone"`
	Licence        *Licence     `json:"licence,omitempty"`
	Members        int          `json:"members,omitempty"`      // a cooperative's
	FarmerShare    int          `json:"farmer_share,omitempty"` // per cent of its members
	People         []string     `json:"people"`                 // who act for it; the first made it
	State          Verification `json:"state"`
	Checked        *Check       `json:"checked,omitempty"` // the operator's newest act
	Partnered      bool         `json:"partnered,omitempty"`
	Created        time.Time    `json:"created"`
}

// Licence is an agency's 人力资源服务许可证.
type Licence struct {
	Number  string `json:"number" minLength:"4" maxLength:"40" doc:"Number of the licence"`
	Expires Date   `json:"expires" format:"date" doc:"Last day on which it holds"`
}

// Check is an operator's act of verification.
type Check struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"` // when a verification must be renewed
}

// PartyForm is what a person says of a party. Its personal data is sealed before
// it becomes a [Party].
type PartyForm struct {
	Kind           PartyKind `json:"kind" enum:"company,individual,cooperative,agency" doc:"What the party is"`
	Market         string    `json:"market" pattern:"^[0-9]{6}$" doc:"County code of its home market"`
	Name           string    `json:"name" minLength:"2" maxLength:"100" doc:"Registered name; of an individual, their own"`
	CreditCode     string    `json:"credit_code,omitempty" maxLength:"40" doc:"Unified social credit code (GB 32100), 18 characters; a cooperative's begins with 93; none for an individual"`
	IdentityNumber string    `json:"identity_number,omitempty" maxLength:"40" doc:"Citizen identity number, 18 characters; for an individual only"`
	Representative string    `json:"representative,omitempty" maxLength:"50" doc:"Legal representative; none for an individual"`
	ContactName    string    `json:"contact_name" minLength:"2" maxLength:"50" doc:"Who is to be called"`
	ContactPhone   string    `json:"contact_phone" maxLength:"30" doc:"Their mobile number"`
	Licence        *Licence  `json:"licence,omitempty" doc:"For an agency only: its human-resources service licence"`
	Members        int       `json:"members,omitempty" minimum:"0" maximum:"100000" doc:"For a cooperative only: its members, at least 5"`
	FarmerShare    int       `json:"farmer_share,omitempty" minimum:"0" maximum:"100" doc:"For a cooperative only: farmers among its members, per cent, at least 80"`
}

// Validate reports every field that is wrong.
func (f PartyForm) Validate(now time.Time) error {
	errs := []error{
		checkText("name", f.Name, 2, 100),
		checkText("contact_name", f.ContactName, 2, 50),
		renamed(identity.ValidatePhone(identity.NormalisePhone(f.ContactPhone)), "contact_phone"),
	}
	if _, ok := PlaceByCode(f.Market); !ok || len(f.Market) != 6 {
		errs = append(errs, fault.Field("market", "no market has this code", "take a county's code from /v1/markets"))
	}
	switch f.Kind {
	case Individual:
		errs = append(errs, identity.ValidateIdentityNumber(identity.NormaliseIdentityNumber(f.IdentityNumber)),
			mustBeEmpty("credit_code", f.CreditCode), mustBeEmpty("representative", f.Representative))
	case Company, Cooperative, Agency:
		errs = append(errs, ValidateCreditCode(NormaliseCreditCode(f.CreditCode)),
			checkText("representative", f.Representative, 2, 50), mustBeEmpty("identity_number", f.IdentityNumber))
	default:
		errs = append(errs, fault.Field("kind", "this is no kind of party", "use one of company, individual, cooperative, agency"))
	}
	errs = append(errs, f.validateCooperative(), f.validateAgency(now))
	return errors.Join(errs...)
}

// validateCooperative keeps 农民专业合作社法 art 12 (five members) and art 20
// (farmers at least 80 %).
func (f PartyForm) validateCooperative() error {
	if f.Kind != Cooperative {
		if f.Members != 0 || f.FarmerShare != 0 {
			return fault.Field("members", "only a cooperative has members", "leave members and farmer_share out")
		}
		return nil
	}
	var errs []error
	if code := NormaliseCreditCode(f.CreditCode); ValidateCreditCode(code) == nil && !IsCooperativeCode(code) {
		errs = append(errs, fault.Field("credit_code", "this is not the credit code of a cooperative", "a farmers' cooperative has a code that begins with 93; register as a company if it is none"))
	}
	if f.Members < 5 || f.Members > 100_000 {
		errs = append(errs, fault.Field("members", "a cooperative has at least 5 members", "give the number of members on its roster (农民专业合作社法 art 12)"))
	}
	if f.FarmerShare < 80 || f.FarmerShare > 100 {
		errs = append(errs, fault.Field("farmer_share", "at least 80 per cent of a cooperative's members are farmers", "give the share on its roster, 80 to 100 (农民专业合作社法 art 20)"))
	}
	return errors.Join(errs...)
}

// validateAgency keeps 人力资源市场暂行条例 art 18: an intermediary has a licence.
func (f PartyForm) validateAgency(now time.Time) error {
	if f.Kind != Agency {
		if f.Licence != nil {
			return fault.Field("licence", "only an agency names a licence", "leave it out")
		}
		return nil
	}
	if f.Licence == nil {
		return fault.Field("licence", "an agency needs a human-resources service licence", "give the licence's number and last day (人力资源市场暂行条例 art 18)")
	}
	errs := []error{checkText("licence.number", f.Licence.Number, 4, 40)}
	if !f.Licence.Expires.Valid() || f.Licence.Expires < DateOf(now) {
		errs = append(errs, fault.Field("licence.expires", "the licence is over, or this is no date", "give the last day of a licence that holds, such as 2028-12-31"))
	}
	return errors.Join(errs...)
}

func mustBeEmpty(field, s string) error {
	if s == "" {
		return nil
	}
	return fault.Field(field, "a party of this kind has none", "leave it out")
}

// renamed gives an error's fault under another field.
func renamed(err error, field string) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	c := *f
	c.Field = field
	return &c
}

// Tier is a party's place in the order of offers: 1 cooperatives, 2 licensed
// agencies that work with cooperatives, 3 others (意见三（八）).
func (p *Party) Tier(now time.Time) int {
	switch {
	case p.Kind == Cooperative:
		return 1
	case p.Kind == Agency && p.Partnered && p.Licence != nil && p.Licence.Expires >= DateOf(now):
		return 2
	}
	return 3
}

// MayPost reports why the party may not put anything on the market now; nil if
// it may.
func (p *Party) MayPost(now time.Time) error {
	switch {
	case p.State == Pending:
		return fault.New(fault.Conflict, "the party is not verified yet").WithFix("an operator of its market checks it; you are told when it is done")
	case p.State != Verified:
		return fault.New(fault.Conflict, "the party's verification is %s", p.State).WithFix("see the reason given, mend it, and ask for verification again")
	case p.Checked == nil || !now.Before(p.Checked.Until):
		return fault.New(fault.Conflict, "the party's verification is over after %d months", VerifiedMonths).WithFix("ask an operator of its market to verify it again")
	case p.Kind == Agency && (p.Licence == nil || p.Licence.Expires < DateOf(now)):
		return fault.New(fault.Conflict, "the agency's licence is over").WithFix("give the new licence and ask for verification again")
	}
	return nil
}

// Decision is an operator's decision on a party or a post.
type Decision struct {
	Approve bool   `json:"approve" doc:"Whether it is approved"`
	Reason  string `json:"reason" minLength:"4" maxLength:"500" doc:"Why; the poster reads it"`
	// Partnered is for an agency: its record of work with cooperatives was seen.
	Partnered bool `json:"partnered,omitempty" doc:"For an agency: its record of working with cooperatives was checked; puts its teams in the second tier"`
}

// Decide records an operator's act of verification.
func (p *Party) Decide(d Decision, by string, now time.Time) ([]store.Entry, error) {
	if err := CheckReason(d.Reason); err != nil {
		return nil, err
	}
	if slices.Contains(p.People, by) {
		return nil, fault.New(fault.Forbidden, "nobody judges a party that they act for").WithFix("leave it to another operator")
	}
	if d.Partnered && p.Kind != Agency {
		return nil, fault.Field("partnered", "only an agency works with cooperatives as an intermediary", "leave it out")
	}
	before := p.State
	p.Checked = &Check{By: by, At: now.UTC(), Reason: d.Reason}
	p.State, p.Partnered = Refused, false
	if d.Approve {
		p.State, p.Partnered = Verified, d.Partnered
		p.Checked.Until = monthsAfter(now, VerifiedMonths)
	}
	return []store.Entry{
		store.Audit("party.verify", d.Reason, map[string]any{"before": before, "after": p.State, "partnered": p.Partnered}),
		{Log: PostsFeed(p.Market), Kind: "party." + string(p.State)},
	}, nil
}

// Admit lets another person act for the party.
func (p *Party) Admit(person string) ([]store.Entry, error) {
	if slices.Contains(p.People, person) {
		return nil, nil
	}
	if len(p.People) >= 20 {
		return nil, fault.New(fault.Conflict, "at most 20 people act for a party")
	}
	p.People = append(p.People, person)
	return []store.Entry{store.Audit("party.admit", "", map[string]string{"person": person})}, nil
}

// Dismiss ends a person's acting for the party. The last one stays.
func (p *Party) Dismiss(person string) ([]store.Entry, error) {
	if !slices.Contains(p.People, person) {
		return nil, nil
	}
	if len(p.People) == 1 {
		return nil, fault.New(fault.Conflict, "somebody must act for the party").WithFix("admit another person first")
	}
	p.People = slices.DeleteFunc(p.People, func(s string) bool { return s == person })
	return []store.Entry{store.Audit("party.dismiss", "", map[string]string{"person": person})}, nil
}
