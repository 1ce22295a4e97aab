//! The house as it stands now. A reload puts another in its place: who comes in from then on is received there, and whoever is inside the one before
//! finishes there what they began. No request ever sees settings of two.

use std::sync::{Arc, PoisonError, RwLock};

use poem::{Endpoint, Request, Response};

use crate::house::House;

/// Which house stands.
#[derive(Debug)]
pub struct Standing(RwLock<Arc<House>>);

impl Standing {
    /// This one, until it is replaced.
    pub fn new(house: Arc<House>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(house)))
    }

    /// The one that stands now.
    pub fn house(&self) -> Arc<House> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on another stands in its place.
    pub fn replace(&self, house: Arc<House>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = house;
    }
}

/// What a door leads to: the rooms of the house that stands, laid out once for each.
#[derive(Debug)]
pub struct Doorway<E> {
    standing: Arc<Standing>,
    lay_out: fn(&Arc<House>) -> E,
    laid_out: RwLock<(Arc<House>, Arc<E>)>,
}

impl<E> Doorway<E> {
    /// To what `lay_out` makes of the house.
    pub fn new(standing: &Arc<Standing>, lay_out: fn(&Arc<House>) -> E) -> Self {
        let house = standing.house();
        let rooms = Arc::new(lay_out(&house));
        Self { standing: standing.clone(), lay_out, laid_out: RwLock::new((house, rooms)) }
    }

    fn rooms(&self) -> Arc<E> {
        let house = self.standing.house();
        let place = self.laid_out.read().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&place.0, &house) {
            return place.1.clone();
        }
        drop(place);
        let mut place = self.laid_out.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for somebody else to do it may have waited past yet another reload.
        let house = self.standing.house();
        if !Arc::ptr_eq(&place.0, &house) {
            *place = (house.clone(), Arc::new((self.lay_out)(&house)));
        }
        place.1.clone()
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Doorway<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.rooms().call(request).await
    }
}
