// What the published client for Rust does against the base URL and with the key that are its arguments.
// Each step panics where an answer is not what it should be.

use klozeo::filters::{attr, city, email, location, or, rating, tags};
use klozeo::types::{ExportFormat, ListOptions, ScoringRuleInput, SortField, SortOrder, UpdateLeadInput, WebhookInput};
use klozeo::{Attribute, Client, ClientConfig, Error, LeadInput};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let config = || ClientConfig::builder().base_url(arguments[1].as_str()).max_retries(0).build();
    let client = Client::with_config(&arguments[2], config());

    let lead = || LeadInput::builder().name("Acme Corporation").source("website").city("San Francisco");
    let input = lead()
        .email("contact@acme.com")
        .rating(4.5)
        .tags(vec!["enterprise".into()])
        .attributes(vec![Attribute::text("industry", "Software"), Attribute::number("employees", 500.0)])
        .build();
    let made = client.leads().create(input).await?;
    assert_eq!(made.duplicate, None);
    let again = client.leads().create(lead().email("CONTACT@acme.com").build()).await?;
    assert_eq!((again.duplicate, &again.id), (Some(true), &made.id));
    let similar = client.leads().create(lead().build()).await?;
    assert_eq!(similar.potential_duplicate_id.as_ref(), Some(&made.id));

    let found = client.leads().get(&made.id).await?;
    assert_eq!((found.name.as_str(), found.attributes.len()), ("Acme Corporation", 2));
    let changed = client.leads().update(&made.id, UpdateLeadInput::builder().city("New York").build()).await?;
    assert_eq!(changed.city.as_deref(), Some("New York"));

    let count = |options: ListOptions| async { client.leads().list(options).await.map(|page| page.count) };
    let one = |filter| ListOptions::builder().filter(filter).sort(SortField::Rating, SortOrder::Desc).limit(20).build();
    assert_eq!(count(one(city().eq("New York"))).await?, 1);
    assert_eq!(count(one(rating().gte(4.0))).await?, 1);
    assert_eq!(count(one(tags().contains("enterprise"))).await?, 1);
    assert_eq!(count(one(email().is_empty())).await?, 1);
    assert_eq!(count(one(location().within_radius(37.98, 23.73, 5.0))).await?, 0);
    assert_eq!(count(one(attr("employees").gt(100.0))).await?, 1);
    assert_eq!(count(one(attr("industry").eq("Software"))).await?, 1);
    let either = ListOptions::builder().filter(or().city().eq("New York")).filter(or().city().eq("San Francisco"));
    assert_eq!(count(either.build()).await?, 2);
    assert!(client.rate_limit_state().is_some());

    let note = client.notes().create(&made.id, "Spoke with the CEO").await?;
    assert_eq!(client.notes().update(&note.id, "Closed").await?.content, "Closed");
    assert_eq!(client.notes().list(&made.id).await?.len(), 1);
    client.notes().delete(&note.id).await?;

    let batch = vec![lead().email("two@acme.com").build(), LeadInput::builder().name("").source("import").build()];
    let created = client.leads().batch_create(batch).await?;
    assert_eq!((created.success, created.failed), (1, 1));
    let ids = vec![created.created[0].id.clone(), "cl_nothing".into()];
    let updated = client.leads().batch_update(ids.clone(), UpdateLeadInput::builder().source("Web").build()).await?;
    assert_eq!((updated.success, updated.failed), (1, 1));
    assert_eq!(client.leads().batch_delete(ids).await?.success, 1);

    let rule = |expression: &str| ScoringRuleInput {
        name: "Rating".into(),
        expression: expression.into(),
        priority: None,
    };
    let scoring = client.scoring();
    let made_rule = scoring.create_rule(rule("rating * 10 + (email != nil ? 3 : 0)")).await?;
    assert_eq!(scoring.recalculate(&made.id).await?, 48.0);
    scoring.update_rule(&made_rule.id, rule("attr_employees > 100 ? 7 : 0")).await?;
    assert_eq!(scoring.get_rule(&made_rule.id).await?.expression, "attr_employees > 100 ? 7 : 0");
    assert_eq!(scoring.recalculate(&made.id).await?, 7.0);
    assert_eq!(scoring.list_rules().await?.len(), 1);
    scoring.delete_rule(&made_rule.id).await?;

    let csv = client.leads().export(ExportFormat::Csv, None).await?;
    assert!(String::from_utf8_lossy(&csv).contains("Acme Corporation"));

    let hook = |events: &[&str]| WebhookInput {
        url: "https://webhooks.invalid/hook".into(),
        events: Some(events.iter().map(|each| each.to_string()).collect()),
        secret: Some("secret".into()),
    };
    let webhook = client.webhooks().create(hook(&["lead.created"])).await?;
    assert_eq!((webhook.events, webhook.active), (Some(vec!["lead.created".to_string()]), true));
    assert_eq!(client.webhooks().list().await?.len(), 1);
    client.webhooks().delete(&webhook.id).await?;
    assert!(matches!(client.webhooks().delete(&webhook.id).await, Err(Error::NotFound)));

    client.leads().delete(&made.id).await?;
    assert!(matches!(client.leads().get(&made.id).await, Err(Error::NotFound)));
    let stranger = Client::with_config("sk_live_0123456789abcdef", config());
    assert!(matches!(stranger.leads().get(&made.id).await, Err(Error::Unauthorized)));
    assert!(matches!(client.leads().get("cl_nonexistent").await, Err(Error::NotFound)));
    println!("done");
    Ok(())
}
