//! How statements are made for a number of rows.

use super::*;

#[test]
fn a_statement_is_made_for_a_few_sizes_and_filled_up_with_nothing() {
    let rows = [[Value::Int(Some(1)), Value::Bool(Some(true))], [Value::Int(Some(2)), Value::Bool(None)]];
    let five: Vec<&[Value]> = rows.iter().cycle().take(5).map(<[Value; 2]>::as_slice).collect();
    let (sql, values) = Kind::DisableAccount.statement(Dialect::Postgres, &five);
    assert_eq!(
        sql,
        "UPDATE accounts SET disabled = v.column2 FROM (VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8), ($9, $10), ($11, $12)) AS v \
         WHERE accounts.id = v.column1"
    );
    assert_eq!(values.len(), 12);
    assert_eq!(values[10..], [&Value::Int(None), &Value::Bool(None)]);
    let (sql, values) = Kind::TouchSession.statement(Dialect::Sqlite, &five[..1]);
    assert!(sql.contains("(VALUES (?, ?)) AS v"), "{sql}");
    assert_eq!(values.len(), 2);
}

/// One order for every transaction on every node: it is what keeps two of them from waiting for each other.
#[test]
fn kinds_have_one_order_and_each_its_place_in_it() {
    assert!(ALL.is_sorted_by(|before, after| before < after), "{ALL:?}");
    assert_eq!(ALL.map(|kind| kind as usize).to_vec(), (0..KINDS).collect::<Vec<_>>());
    // What meets in one row is contested or not, but never both: those that are go first, whatever the order says. Emptying an account is the one
    // exception, and has an order of its own (`in_turn`).
    assert!(ALL.iter().all(|kind| kind.contest().is_none() || kind.meets() == *kind));
}

#[test]
fn every_number_of_rows_has_a_size_that_is_not_much_larger() {
    for rows in 1..=MOST_ROWS {
        let size = SIZES.iter().find(|size| **size >= rows).unwrap();
        assert!(*size * 2 <= rows * 3, "{rows} rows in a statement for {size}");
    }
}
