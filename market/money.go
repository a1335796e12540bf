package market

import (
	"fmt"

	"hezuo/fault"
)

// Fen is an amount of money in fen, the hundredth of a yuan.
type Fen int64

// String gives the amount in yuan, such as "120.00".
func (f Fen) String() string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	return fmt.Sprintf("%s%d.%02d", sign, f/100, f%100)
}

// PayUnit is what an amount of pay is for.
type PayUnit string

// The units of pay (保障农民工工资支付条例 art 13 lets pay be by month, week, day
// or hour, or by piece on completion).
const (
	PerHour PayUnit = "hour"
	PerDay  PayUnit = "day"
	PerItem PayUnit = "piece"
	LumpSum PayUnit = "lump_sum"
)

// Pay is what a person earns.
type Pay struct {
	Amount Fen     `json:"amount_fen" minimum:"1" maximum:"100000000" doc:"Amount in fen, for one unit and one person (for a lump sum: for the whole job)"`
	Unit   PayUnit `json:"unit" enum:"hour,day,piece,lump_sum" doc:"What the amount is for"`
}

// Validate reports what is wrong, naming fields under path.
func (p Pay) Validate(path string) error {
	if p.Amount < 1 || p.Amount > 100_000_000 {
		return fault.Field(path+".amount_fen", "the pay is out of range", "give the amount in fen, between 1 and 100,000,000")
	}
	switch p.Unit {
	case PerHour, PerDay, PerItem, LumpSum:
		return nil
	}
	return fault.Field(path+".unit", "this is no unit of pay", "use one of hour, day, piece, lump_sum")
}

// Daily gives what the pay comes to for one person and day, if that can be said:
// pay by the piece cannot.
func (p Pay) Daily(hours float64, people, days int) (Fen, bool) {
	switch p.Unit {
	case PerDay:
		return p.Amount, true
	case PerHour:
		return p.Amount * Fen(hours*2) / 2, true // hours are half hours
	case LumpSum:
		return p.Amount / Fen(max(1, people*days)), true
	case PerItem:
		return 0, false
	}
	return 0, false
}
