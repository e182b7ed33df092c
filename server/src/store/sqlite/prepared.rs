//! Statements, each prepared once on a connection.

use rusqlite::{Connection, Error, Row, Statement, ToSql};

use super::rows::Fault;

/// More than there are statements.
pub(super) const KEPT_MAX: usize = 128;

/// Runs statements that are kept prepared.
pub(super) trait Prepared {
    /// Hands each row to `take`, until that says `false`.
    fn each(
        &self,
        statement: &str,
        values: &[&dyn ToSql],
        take: impl FnMut(&Row<'_>) -> Result<bool, Fault>,
    ) -> Result<(), Fault>;

    /// How many rows changed.
    fn run(&self, statement: &str, values: &[&dyn ToSql]) -> Result<u64, Fault>;

    /// All rows.
    fn all<T>(
        &self,
        statement: &str,
        values: &[&dyn ToSql],
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut all = Vec::new();
        self.each(statement, values, |row| {
            all.push(read(row)?);
            Ok(true)
        })?;
        Ok(all)
    }

    /// The row, if there is one. Goes on to the end of the statement: what it breaks is said there.
    fn first<T>(
        &self,
        statement: &str,
        values: &[&dyn ToSql],
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let mut first = None;
        self.each(statement, values, |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(true)
        })?;
        Ok(first)
    }

    /// Whether there is a row.
    fn is_any(&self, statement: &str, values: &[&dyn ToSql]) -> Result<bool, Fault> {
        self.first(statement, values, |_| Ok(())).map(|row| row.is_some())
    }

    /// The first column of the only row.
    fn flag(&self, statement: &str, values: &[&dyn ToSql]) -> Result<bool, Fault> {
        Ok(self.first(statement, values, |row| Ok(row.get(0)?))? == Some(true))
    }
}

impl Prepared for Connection {
    fn each(
        &self,
        statement: &str,
        values: &[&dyn ToSql],
        mut take: impl FnMut(&Row<'_>) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut statement = self.prepare_cached(statement)?;
        bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    fn run(&self, statement: &str, values: &[&dyn ToSql]) -> Result<u64, Fault> {
        let mut statement = self.prepare_cached(statement)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()? as u64)
    }
}

/// To SQLite `$1` is a name, and places are counted in the order in which names come.
fn bind(statement: &mut Statement<'_>, values: &[&dyn ToSql]) -> Result<(), Error> {
    let places = statement.parameter_count();
    for place in 1..=places {
        let name = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|name| name.parse::<usize>().ok()?.checked_sub(1));
        let value = number.and_then(|number| values.get(number));
        let value = value.ok_or(Error::InvalidParameterCount(values.len(), places))?;
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use rusqlite::params;

    use super::*;

    #[test]
    fn a_value_goes_where_its_number_stands() {
        let connection = Connection::open_in_memory().unwrap();
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let row = connection.first("SELECT $2, $1, $2", params![1, 2], read).unwrap();
        assert_eq!(row, Some((2, 1, 2)));
        assert!(connection.run("DELETE FROM sqlite_master WHERE name = $2", params![1]).is_err());
    }
}
