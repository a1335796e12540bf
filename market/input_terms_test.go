package market

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hezuo/fault"
)

// collect notes the fields that an error blames.
func collect(names map[string]bool, err error) {
	for _, f := range fault.All(err) {
		names[f.Field] = true
	}
}

func TestBadTerms(t *testing.T) {
	type p = Terms
	refuses(t, goodTerms, func(v Terms) error { return unprefixed(v.Validate("terms")) }, slices.Concat(
		text("task", 2, 2000, func(v *p, s string) { v.Task = s }),
		text("safety", 0, 1000, func(v *p, s string) { v.Safety = s }),
		text("weather", 0, 500, func(v *p, s string) { v.Weather = s }),
		text("cancellation", 0, 500, func(v *p, s string) { v.Cancellation = s }),
		oneOf("trade", func(v *p, s string) { v.Trade = s }),
		within("people", 1, 1000, func(v *p, n int) { v.People = n }),
		measure("hours_per_day", func(v *p, x float64) { v.HoursPerDay = x }, 0, 7.75, 12.5),
		pay("pay", func(v *p) *Pay { return &v.Pay }),
		oneOf("pay_day", func(v *p, s string) { v.PayDay = PayDay(s) }),
		site("site", func(v *p) *Site { return &v.Site }),
		conditions("conditions", func(v *p) *Conditions { return &v.Conditions }),
		oneOf("insurance", func(v *p, s string) { v.Insurance = Provider(s) }),
		oneOf("tools", func(v *p, s string) { v.Tools = Provider(s) }),
		date("period.from", func(v *p, d Date) { v.Period.From = d }),
		date("period.to", func(v *p, d Date) { v.Period.To = d }, "2026-03-09", "2027-03-11"),
	))
}

// unprefixed takes the path under which terms are validated off the fields.
func unprefixed(err error) error {
	var out []error
	for _, f := range fault.All(err) {
		c := *f
		c.Field = c.Field[len("terms."):]
		out = append(out, &c)
	}
	return errors.Join(out...)
}

func TestBadSettings(t *testing.T) {
	type p = Settings
	good := func() Settings {
		s := DefaultSettings()
		s.FirstLookOff = &FirstLookOff{Reason: "a flood, all hands are needed", Until: morning.Add(time.Hour)}
		return s
	}
	refuses(t, good, func(v Settings) error {
		err := v.Validate("terms", morning) // the same prefix
		return unprefixed(err)
	}, slices.Concat(
		within("first_look_minutes", 1, 10080, func(v *p, n int) { v.FirstLookMinutes = n }),
		within("offers_per_place", 1, 10, func(v *p, n int) { v.OffersPerPlace = n }),
		within("deadlines.offer_minutes", 1, 10080, func(v *p, n int) { v.Deadlines.OfferMinutes = n }),
		within("deadlines.talk_minutes", 1, 20160, func(v *p, n int) { v.Deadlines.TalkMinutes = n }),
		within("deadlines.sign_minutes", 1, 20160, func(v *p, n int) { v.Deadlines.SignMinutes = n }),
		measure("radius_km", func(v *p, x float64) { v.RadiusKm = x }, 0, 0.99, 500.01),
		text("first_look_off.reason", 5, 500, func(v *p, s string) { v.FirstLookOff.Reason = s }),
		[]bad[p]{
			{"first_look_off.until", "missing", func(v *p) { v.FirstLookOff.Until = time.Time{} }},
			{"first_look_off.until", "now", func(v *p) { v.FirstLookOff.Until = morning }},
			{"first_look_off.until", "past", func(v *p) { v.FirstLookOff.Until = morning.Add(-time.Hour) }},
			{"first_look_off.until", "over a year", func(v *p) { v.FirstLookOff.Until = morning.AddDate(0, 0, 367) }},
		},
	))
}

// TestFirstLookIsOnAgain by itself, at the instant that was named.
func TestFirstLookIsOnAgain(t *testing.T) {
	s := DefaultSettings()
	s.FirstLookOff = &FirstLookOff{Reason: "a flood", Until: morning}
	if s.FirstLook(morning.Add(-time.Nanosecond)) != 0 || s.FirstLook(morning) != 4*time.Hour {
		t.Error("the first look is not off until the instant named, and on from then")
	}
}

func TestBadPartyForm(t *testing.T) {
	type p = PartyForm
	cooperative := func() PartyForm {
		return PartyForm{
			Kind: Cooperative, Market: "371502", Name: "聊城梨园农村劳务合作社", CreditCode: codeOf("93"), Representative: "张三",
			ContactName: "李四", ContactPhone: somePhone, Members: 5, FarmerShare: 80,
		}
	}
	agency := func() PartyForm {
		f := cooperative()
		f.Kind, f.CreditCode, f.Members, f.FarmerShare = Agency, codeOf("91"), 0, 0
		f.Licence = &Licence{Number: "371502-0001", Expires: "2026-03-01"}
		return f
	}
	individual := func() PartyForm {
		f := cooperative()
		f.Kind, f.CreditCode, f.Representative, f.Members, f.FarmerShare = Individual, "", "", 0, 0
		f.IdentityNumber = someIdentity
		return f
	}
	validate := func(v PartyForm) error { return v.Validate(morning) }
	if err := errors.Join(validate(agency()), validate(individual())); err != nil {
		t.Fatal(err)
	}
	as := func(path, what string, other func() PartyForm, spoil func(*p)) bad[p] {
		return bad[p]{path, what, func(v *p) { *v = other(); spoil(v) }}
	}
	of := func(rows []bad[p], other func() PartyForm) []bad[p] {
		for i, row := range rows {
			rows[i].spoil = func(v *p) { *v = other(); row.spoil(v) }
		}
		return rows
	}
	refuses(t, cooperative, validate, slices.Concat(
		oneOf("market", func(v *p, s string) { v.Market = s }),
		text("name", 2, 100, func(v *p, s string) { v.Name = s }),
		text("representative", 2, 50, func(v *p, s string) { v.Representative = s }),
		text("contact_name", 2, 50, func(v *p, s string) { v.ContactName = s }),
		within("members", 5, 100_000, func(v *p, n int) { v.Members = n }),
		within("farmer_share", 80, 100, func(v *p, n int) { v.FarmerShare = n }),
		of(text("licence.number", 4, 40, func(v *p, s string) { v.Licence.Number = s }), agency),
		of(date("licence.expires", func(v *p, d Date) { v.Licence.Expires = d }, "2026-02-28"), agency),
		[]bad[p]{
			as("kind", "missing", company, func(v *p) { v.Kind = "" }),
			as("kind", "other", company, func(v *p) { v.Kind = "bank" }),
			{"market", "a town", func(v *p) { v.Market = "371502001" }},
			{"market", "a province", func(v *p) { v.Market = "370000" }},
			{"contact_phone", "missing", func(v *p) { v.ContactPhone = "" }},
			{"contact_phone", "a line", func(v *p) { v.ContactPhone = "0635-8241234" }},
			{"contact_phone", "one digit more", func(v *p) { v.ContactPhone = somePhone + "1" }},
			{"contact_phone", "letters", func(v *p) { v.ContactPhone = "1380013800O" }},
			{"credit_code", "missing", func(v *p) { v.CreditCode = "" }},
			{"credit_code", "short", func(v *p) { v.CreditCode = v.CreditCode[:17] }},
			{"credit_code", "wrong check", func(v *p) { v.CreditCode = v.CreditCode[:17] + "?" }},
			{"credit_code", "a company's", func(v *p) { v.CreditCode = codeOf("91") }},
			{"identity_number", "of a cooperative", func(v *p) { v.IdentityNumber = someIdentity }},
			{"licence", "of a cooperative", func(v *p) { v.Licence = &Licence{"1234", "2030-01-01"} }},
			as("licence", "missing", agency, func(v *p) { v.Licence = nil }),
			as("members", "of an agency", agency, func(v *p) { v.Members = 5 }),
			as("members", "a share of an agency", agency, func(v *p) { v.FarmerShare = 80 }),
			as("credit_code", "of an individual", individual, func(v *p) { v.CreditCode = codeOf("91") }),
			as("representative", "of an individual", individual, func(v *p) { v.Representative = "张三" }),
			as("identity_number", "missing", individual, func(v *p) { v.IdentityNumber = "" }),
			as("identity_number", "wrong check", individual, func(v *p) { v.IdentityNumber = someIdentity[:17] + "0" }),
			as("identity_number", "no such day", individual, func(v *p) { v.IdentityNumber = "990101199002300077" }),
		},
	))
}

func company() PartyForm {
	return PartyForm{
		Kind: Company, Market: "371502", Name: "聊城果品有限公司", CreditCode: codeOf("91"), Representative: "张三",
		ContactName: "李四", ContactPhone: somePhone,
	}
}

// codeOf makes a valid credit code.
func codeOf(first string) string {
	code := first + "371502MA0000001"
	check, err := CreditCodeCheck(code)
	if err != nil {
		panic(err)
	}
	return code + string(check)
}
