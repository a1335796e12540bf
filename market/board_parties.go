package market

import (
	"context"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/notify"
	"hezuo/store"
	"hezuo/vault"
)

// The fields of a party that are sealed, under the party's own key.
const (
	fieldFullName       = "party.full_name"
	fieldIdentityNumber = "party.identity_number"
	fieldRepresentative = "party.representative"
	fieldContactName    = "party.contact_name"
	fieldContactPhone   = "party.contact_phone"
)

// CreateParty registers a party that the caller acts for. It waits for
// verification. Errors: faults on the form's fields, [store.ErrDuplicate] where
// the credit code is registered already.
func (b *Board) CreateParty(ctx context.Context, by Caller, cmd store.Command, form PartyForm) (store.Item[Party], error) {
	if err := form.Validate(cmd.At); err != nil {
		return store.Item[Party]{}, err
	}
	if _, err := b.markets.Get(ctx, form.Market); err != nil {
		return store.Item[Party]{}, fault.Field("market", "no market has this code", "take a county's code from /v1/markets")
	}
	id := store.DeriveID("y", by.Person, cmd.ID)
	filled, err := b.fill(ctx, id, form)
	if err != nil {
		return store.Item[Party]{}, err
	}
	it, err := b.parties.Create(ctx, id, cmd, func(p *Party) ([]store.Entry, error) {
		*p = filled
		p.People, p.Created = []string{by.Person}, cmd.At.UTC()
		return []store.Entry{store.Audit("party.register", "", map[string]any{"kind": p.Kind})}, nil
	})
	return it, takenCode(err)
}

// EditParty changes what a party says of itself. It must be verified anew.
func (b *Board) EditParty(ctx context.Context, by Caller, cmd store.Command, id string, form PartyForm) (store.Item[Party], error) {
	if err := by.mustActFor(id); err != nil {
		return store.Item[Party]{}, err
	}
	if err := form.Validate(cmd.At); err != nil {
		return store.Item[Party]{}, err
	}
	filled, err := b.fill(ctx, id, form)
	if err != nil {
		return store.Item[Party]{}, err
	}
	it, err := b.parties.Update(ctx, id, cmd, func(p *Party) ([]store.Entry, error) {
		if form.Kind != p.Kind {
			return nil, fault.Field("kind", "a party keeps its kind", "register another party")
		}
		if form.Market != p.Market {
			return nil, fault.Field("market", "a party keeps its home market", "register another party")
		}
		if p.State == Suspended {
			return nil, fault.New(fault.Conflict, "the party is suspended").WithFix("speak to an operator of its market")
		}
		filled := filled
		filled.People, filled.Created, filled.Checked, filled.State = p.People, p.Created, p.Checked, Pending
		before := p.State
		*p = filled
		return []store.Entry{store.Audit("party.edit", "", map[string]any{"before": before, "after": p.State})}, nil
	})
	return it, takenCode(err)
}

// takenCode names the field when the credit code is another party's.
func takenCode(err error) error {
	if isDuplicate(err) {
		return &fault.Error{
			Code: fault.Conflict, Field: "credit_code", Message: "a party with this credit code is registered already",
			Fix: "ask one of the people who act for it to admit you, or an operator of your market if you know none", Err: err,
		}
	}
	return err
}

// fill makes a party of a form, its personal data sealed.
func (b *Board) fill(ctx context.Context, id string, f PartyForm) (Party, error) {
	p := Party{
		Kind: f.Kind, Market: f.Market, Name: f.Name, Licence: f.Licence,
		CreditCode: NormaliseCreditCode(f.CreditCode), Members: f.Members, FarmerShare: f.FarmerShare, State: Pending,
	}
	seal := []struct {
		to           *vault.Sealed
		field, value string
	}{
		{&p.Representative, fieldRepresentative, f.Representative},
		{&p.ContactName, fieldContactName, f.ContactName},
		{&p.ContactPhone, fieldContactPhone, identity.NormalisePhone(f.ContactPhone)},
	}
	if f.Kind == Individual {
		p.Name = vault.MaskName(f.Name)
		seal = append(seal, []struct {
			to           *vault.Sealed
			field, value string
		}{
			{&p.FullName, fieldFullName, f.Name},
			{&p.IdentityNumber, fieldIdentityNumber, identity.NormaliseIdentityNumber(f.IdentityNumber)},
		}...)
	}
	for _, s := range seal {
		if s.value == "" {
			continue
		}
		sealed, err := b.vault.Seal(ctx, id, s.field, s.value)
		if err != nil {
			return Party{}, err
		}
		*s.to = sealed
	}
	return p, nil
}

// Party reads one party. Everybody signed in may see a verified one; others only
// those who act for it and those whose office it is.
func (b *Board) Party(ctx context.Context, by Caller, id string) (store.Item[Party], error) {
	it, err := b.parties.Get(ctx, id)
	if err != nil {
		return it, err
	}
	if it.Doc.State != Verified && !by.ActsFor(id) && !by.Reads(it.Doc.Market) {
		return store.Item[Party]{}, store.ErrNotFound
	}
	return it, nil
}

// PartyByID reads one party for another room.
func (b *Board) PartyByID(ctx context.Context, id string) (store.Item[Party], error) {
	return b.parties.Get(ctx, id)
}

// PartiesOf lists the parties that the caller acts for.
func (b *Board) PartiesOf(ctx context.Context, by Caller) (store.Page[Party], error) {
	return b.parties.Find(ctx, store.Range{Index: "person", Prefix: store.K(by.Person)})
}

// PartiesIn lists a market's parties in a state of verification, oldest first;
// for those whose office it is.
func (b *Board) PartiesIn(ctx context.Context, by Caller, county string, state Verification, cursor string, limit int) (store.Page[Party], error) {
	if !by.Reads(county) {
		return store.Page[Party]{}, fault.New(fault.Forbidden, "only this market's operators and auditors see its parties")
	}
	return b.parties.Find(ctx, store.Range{Index: "state", Prefix: store.K(county, string(state)), Cursor: cursor, Limit: limit})
}

// DecideParty records an operator's verification.
func (b *Board) DecideParty(ctx context.Context, by Caller, cmd store.Command, id string, d Decision) (store.Item[Party], error) {
	it, err := b.Party(ctx, by, id)
	if err != nil {
		return it, err
	}
	if err := by.mustOperate(it.Doc.Market); err != nil {
		return store.Item[Party]{}, err
	}
	return b.parties.Update(ctx, id, cmd, func(p *Party) ([]store.Entry, error) {
		entries, err := p.Decide(d, by.Person, cmd.At)
		return notify.Tell(entries, p.People, "party.verified", map[string]any{"party": id, "state": p.State, "reason": d.Reason}), err
	})
}

// AdmitPerson lets another person act for a party; DismissPerson ends it.
func (b *Board) AdmitPerson(ctx context.Context, by Caller, cmd store.Command, id, person string) (store.Item[Party], error) {
	if err := by.mustActFor(id); err != nil {
		return store.Item[Party]{}, err
	}
	return b.parties.Update(ctx, id, cmd, func(p *Party) ([]store.Entry, error) { return p.Admit(person) })
}

// DismissPerson ends a person's acting for a party.
func (b *Board) DismissPerson(ctx context.Context, by Caller, cmd store.Command, id, person string) (store.Item[Party], error) {
	if err := by.mustActFor(id); err != nil {
		return store.Item[Party]{}, err
	}
	return b.parties.Update(ctx, id, cmd, func(p *Party) ([]store.Entry, error) { return p.Dismiss(person) })
}

// Contact is whom to call at a party.
type Contact struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// RevealContact gives a party's contact in the clear: to those who act for it,
// and, by a logged act with a purpose, to the operators of its market.
func (b *Board) RevealContact(ctx context.Context, by Caller, cmd store.Command, id, purpose string) (Contact, error) {
	it, err := b.Party(ctx, by, id)
	if err != nil {
		return Contact{}, err
	}
	p := it.Doc
	if by.ActsFor(id) {
		name, err := b.vault.Open(ctx, id, fieldContactName, p.ContactName)
		if err != nil {
			return Contact{}, err
		}
		phone, err := b.vault.Open(ctx, id, fieldContactPhone, p.ContactPhone)
		return Contact{name, phone}, err
	}
	if err := by.mustOperate(p.Market); err != nil {
		return Contact{}, err
	}
	name, err := b.vault.Reveal(ctx, cmd.Sub("name"), purpose, id, fieldContactName, p.ContactName)
	if err != nil {
		return Contact{}, err
	}
	phone, err := b.vault.Reveal(ctx, cmd.Sub("phone"), purpose, id, fieldContactPhone, p.ContactPhone)
	return Contact{name, phone}, err
}
