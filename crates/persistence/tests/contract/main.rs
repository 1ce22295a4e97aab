//! Both databases keep the contract of the port, and what each does besides.

mod audit_tables;
mod postgres_only;
mod sqlite_only;
mod support;

use support::{PostgresBench, SqliteBench};

vestibule_testkit::store_contract!(sqlite, SqliteBench);
vestibule_testkit::shared_store_contract!(sqlite_shared, SqliteBench);
vestibule_testkit::store_contract!(postgres, PostgresBench);
vestibule_testkit::shared_store_contract!(postgres_shared, PostgresBench);
