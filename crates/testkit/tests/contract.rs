//! The fake store keeps the contract of the real ones.

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_domain::ports::Store;
use vestibule_testkit::{memory_store::MemoryStore, store_contract::Bench};

struct MemoryBench(Arc<MemoryStore>);

#[async_trait]
impl Bench for MemoryBench {
    async fn set_up() -> Self {
        Self(Arc::default())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn another(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn tear_down(self) {}
}

vestibule_testkit::store_contract!(memory, MemoryBench);
vestibule_testkit::shared_store_contract!(memory_shared, MemoryBench);
