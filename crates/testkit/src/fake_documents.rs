//! Documents of clients in the test's hand.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use vestibule_domain::{
    client_document::{DocumentFault, FetchedDocument},
    ids::ClientId,
    ports::ClientDocuments,
};

/// What lies at which address, and how often it was fetched.
#[derive(Debug, Default)]
pub struct FakeDocuments(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    documents: HashMap<String, Result<FetchedDocument, DocumentFault>>,
    fetched: usize,
}

impl FakeDocuments {
    /// Puts a document, or what comes instead, at an address.
    pub fn put(&self, address: &str, document: Result<FetchedDocument, DocumentFault>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).documents.insert(address.to_owned(), document);
    }

    /// How often anything was fetched.
    pub fn fetched(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fetched
    }
}

#[async_trait]
impl ClientDocuments for FakeDocuments {
    async fn fetch(&self, id: &ClientId) -> Result<FetchedDocument, DocumentFault> {
        let found = {
            let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.fetched += 1;
            shelf.documents.get(id.as_str()).cloned()
        };
        // Somebody else may come meanwhile, as they may while the network is waited for.
        tokio::task::yield_now().await;
        found.unwrap_or(Err(DocumentFault::Status))
    }
}
