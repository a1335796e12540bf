package identity

import (
	"time"

	"hezuo/fault"
)

// Binding states whose a device key is, since when and how that was proven. It
// goes into agreements as it was when the key signed; it holds no personal data.
type Binding struct {
	Person     string    `json:"person"`
	Thumbprint string    `json:"thumbprint"`
	Key        PublicJWK `json:"key"`
	Registered time.Time `json:"registered"`
	ActiveFrom time.Time `json:"active_from"`
	Proof      KeyProof  `json:"proof"`
}

func binding(p *Person, thumbprint string) (Binding, error) {
	d := p.device(thumbprint)
	if d == nil {
		return Binding{}, errNoKey
	}
	return Binding{p.ID, d.Thumbprint, d.Key, d.Registered, d.ActiveFrom, d.Proof}, nil
}

// Verify checks what a statement proves by itself: that the thumbprint is the
// key's, that whoever registered it had it, and that it waited where nothing else
// spoke for it. That the house made the statement is for the agreement to prove.
func (b Binding) Verify() error {
	public, err := b.Key.ECDSA()
	if err != nil {
		return err
	}
	if thumbprint, err := thumbprintOf(public); err != nil || thumbprint != b.Thumbprint {
		return fault.New(fault.Invalid, "the thumbprint is not the key's")
	}
	if err := VerifyES256(public, Challenge(b.Person, b.Thumbprint, b.Proof.Code), b.Proof.Possession); err != nil {
		return err
	}
	from := b.Registered
	if b.Proof.How == ProofWaited {
		from = from.Add(DeviceDelay)
	}
	if b.ActiveFrom.Before(from) {
		return fault.New(fault.Invalid, "the key was usable before its time")
	}
	return nil
}
